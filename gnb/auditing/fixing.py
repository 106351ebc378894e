"""The safe repairs, in a copy of the data: copies and chatter dropped, characters written as the guideline says.

What the author wrote stays beside what was changed, and a file says what was done to each item.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gnb.auditing.chatter import is_chatter
from gnb.core.cleaning import Cleaner, CleaningOptions
from gnb.core.errors import SettingsError
from gnb.core.jsonl import KEYS
from gnb.core.preparation.chunks import clean_record
from gnb.core.records import Example
from gnb.core.text import comparison_key

FIXES = "fixes.jsonl"
UNSPLIT = "unsplit"
"""The name of the file, without its ending, of texts that have no split."""

_RULES = ("control", "invisible", "letters", "kashida", "half_spaces")
"""The cleaning rules that no reader can miss anything after."""


@dataclass(frozen=True, slots=True)
class Fix:
    """What was done to one example: "dropped" or "normalised", why, and the example that comes out of it, if any."""

    id: str
    origin: str
    action: str
    why: str
    record: dict[str, Any] | None


def fix(examples: Sequence[Example], folder: Path) -> Counter[str]:
    """Write a mended copy of the data: one JSON Lines file a split, as `prepared:DIR` reads it, and `fixes.jsonl`.

    Copies with another label or another reference stay: which one is right is for a person to say.

    Returns:
        The number of examples by action, "kept" included.

    Raises:
        SettingsError: if the folder is not empty or cannot be made.
    """
    check_empty(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"--to {folder}: cannot be written ({error.strerror}).") from None
    with TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as scratch:
        work = Path(scratch) / "out"
        work.mkdir()
        counts = _write(examples, work)
        work.rename(folder)  # in one step: a full disk or Ctrl-C leaves nothing half done
    return counts


def _write(examples: Sequence[Example], folder: Path) -> Counter[str]:
    (folder / FIXES).touch()
    counts: Counter[str] = Counter(kept=0, dropped=0, normalised=0)
    with ExitStack() as stack:
        files: dict[str, Any] = {}

        def write(name: str, record: dict[str, Any]) -> None:
            if name not in files:
                files[name] = stack.enter_context((folder / name).open("w", encoding="utf-8", newline="\n"))
            line = json.dumps(record, ensure_ascii=False).encode("utf-8", "replace").decode()
            files[name].write(line + "\n")

        for each in plan_fixes(examples):
            counts[each.action] += 1
            if each.record:
                write(f"{each.record['split'] or UNSPLIT}.jsonl", each.record)
            if each.action != "kept":
                write(FIXES, {"id": each.id, "origin": each.origin, "action": each.action, "why": each.why})
    return counts


def plan_fixes(examples: Sequence[Example]) -> Iterator[Fix]:
    """Yield what is to be done to each example, in order."""
    cleaner = Cleaner(CleaningOptions.named("none", dict.fromkeys(_RULES, True)))
    seen: dict[tuple[object, ...], str] = {}
    for example in examples:
        record: dict[str, Any] = {key: getattr(example, key) for key in KEYS}
        record["references"] = list(example.references)
        if why := _reason_to_drop(example, seen):
            yield Fix(example.id, example.origin, "dropped", why, None)
            continue
        clean, steps = clean_record(record, cleaner)
        rules = ", ".join(sorted({step.rule for step in steps}))
        yield Fix(example.id, example.origin, "normalised" if steps else "kept", rules, clean)


def _reason_to_drop(example: Example, seen: dict[tuple[object, ...], str]) -> str:
    if is_chatter(example.text):
        return "a chat model speaks of its task"
    references = frozenset(map(comparison_key, example.references))
    key: tuple[object, ...] = (
        comparison_key(example.text) or example.text,
        example.biased,
        example.category,
        references,
        example.split,
    )
    if key in seen:
        return f"copy of {seen[key]}"
    seen[key] = example.id
    return ""


def check_empty(folder: Path) -> None:
    """Refuse a folder that holds something, and a file.

    Raises:
        SettingsError: says which.
    """
    if folder.exists() and not folder.is_dir():
        raise SettingsError(f"--to {folder}: is a file; name a new folder.")
    if folder.is_dir() and any(folder.iterdir()):
        raise SettingsError(f"--to {folder}: is not empty; name a new folder.")
    if folder.is_dir() and (folder.is_mount() or folder.samefile(Path.cwd())):
        raise SettingsError(f"--to {folder}: is in use and cannot be replaced; name a new folder.")
