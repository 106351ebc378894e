"""Checkpoints of a run: which one is whole, and whether they belong to the run at hand."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gnb.core.appearing import appearing
from gnb.core.errors import DAMAGES, SettingsError, first_line
from gnb.core.fingerprint import canonical_json

IDENTITY = "run.json"
_LAST_WRITTEN = "trainer_state.json"


def claim(folder: Path, identity: Mapping[str, Any], *, restart: bool = False) -> None:
    """Make a folder the checkpoint folder of one run.

    Args:
        folder: the folder, which may exist.
        identity: everything that makes the run what it is, as JSON values.
        restart: remove the checkpoints that are there.

    Raises:
        SettingsError: if checkpoints of another run are there, with what differs, or if nobody can tell whose they are.
    """
    if restart:
        shutil.rmtree(folder, ignore_errors=True)
    record = folder / IDENTITY
    if latest_checkpoint(folder):
        differing = _difference(_read(record), json.loads(canonical_json(identity)))
        if differing:
            raise SettingsError(
                f"{folder} holds checkpoints of another run, with other {', '.join(differing)}. "
                "Repeat its settings to go on from them, add --restart to discard them, or choose another folder."
            )
    folder.mkdir(parents=True, exist_ok=True)
    with appearing(record) as file:
        file.write(canonical_json(identity))


def _read(record: Path) -> dict[str, Any]:
    try:
        found = json.loads(record.read_text("utf-8"))
        return dict(found)
    except DAMAGES as error:
        raise SettingsError(
            f"{record} is missing or damaged ({first_line(error)}), so nobody can tell whose the checkpoints beside it "
            "are. Add --restart to discard them, or choose another folder."
        ) from None


def latest_checkpoint(folder: Path) -> Path | None:
    """Return the newest checkpoint that was written to its end, or None.

    A process may be killed while it writes one; what it writes last tells whether it came so far.
    """
    found = [path for path in folder.glob("checkpoint-*") if path.name.rpartition("-")[2].isdigit()]
    ordered = sorted(found, key=lambda path: int(path.name.rpartition("-")[2]), reverse=True)
    return next((path for path in ordered if _is_whole(path)), None)


def _is_whole(checkpoint: Path) -> bool:
    try:
        return "global_step" in json.loads((checkpoint / _LAST_WRITTEN).read_text("utf-8"))
    except (OSError, ValueError):
        return False


def _difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return the names of the values that differ, those of nested tables by their own names."""
    names: list[str] = []
    for key in sorted({*old, *new}):
        before, after = old.get(key), new.get(key)
        if isinstance(before, dict) and isinstance(after, dict):
            names += _difference(before, after)
        elif before != after:
            names.append(key)
    return names
