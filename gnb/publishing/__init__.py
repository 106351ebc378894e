"""Publishing a dataset: typed tables, a card, a licence, checksums and a benchmark task in one folder.

The same data and choices give the same bytes. `publish` is the whole of it; `gnb.publishing.hub` sends the folder.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gnb.auditing import Audit, audit
from gnb.core.errors import InputError, SettingsError
from gnb.core.manifest import versions
from gnb.core.progress import Track, untracked
from gnb.core.records import Example
from gnb.core.splitting import split_examples
from gnb.publishing.card import write_card
from gnb.publishing.files import RECORD, write_archive, write_checksums, write_split
from gnb.publishing.folder import new_folder
from gnb.publishing.harness import write_task
from gnb.publishing.licences import Licence
from gnb.publishing.rows import COLUMNS, METADATA, count_personal, encodable, mask_examples, row_of, with_reference

__all__ = ["Plan", "publish"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to publish as, and how.

    Attributes:
        target: the folder to write; it appears when everything in it is complete.
        title: of the card.
        licence: the data's.
        sources: the names of the sources that the data was made of; none if that is not known.
        manifest: the manifest of the preparation that it comes from; empty if there was none.
        repository: OWNER/NAME on the hub, for what the files say about themselves; None for a folder.
        about: Markdown for the card: how the data was made.
        attribution: whom to name.
        metadata: keys of the metadata to publish besides those of `METADATA`.
        keep_personal: leave personal data in the texts.
        seed: of the split of examples that have none.
    """

    target: Path
    title: str
    licence: Licence
    sources: Sequence[str]
    manifest: Mapping[str, Any] = field(default_factory=dict)
    repository: str | None = None
    about: str = ""
    attribution: str = ""
    metadata: Sequence[str] = ()
    keep_personal: bool = False
    seed: int = 0


def publish(examples: Sequence[Example], plan: Plan, track: Track = untracked) -> dict[str, Any]:
    """Write a publication, and return what its `publication.json` holds.

    Args:
        examples: all of the data; held in memory.
        plan: what to do.
        track: told of the progress.

    Raises:
        InputError: if there is nothing to publish, or two examples share an id.
        SettingsError: if the target cannot be used, or a key of the metadata is called like a column.
        MissingDependencyError: if datasketch, which the audit for the card needs, is not installed.
    """
    if not examples:
        raise InputError("There is nothing to publish: the source holds no example.")
    for name, text in (("title", plan.title), ("attribution", plan.attribution), ("metadata", ",".join(plan.metadata))):
        if text != text.encode("utf-8", "replace").decode():
            raise SettingsError(f"--{name}: holds bytes that are no UTF-8 text; write it anew.")
    if taken := [key for key in plan.metadata if key in COLUMNS]:
        raise SettingsError(
            f"--metadata {taken[0]}: a column of the dataset has that name; rename the key in your data."
        )
    with new_folder(plan.target) as folder:
        chosen = list(map(encodable, examples))
        pieces, changed = count_personal(chosen), 0
        if not plan.keep_personal:
            masked = mask_examples(chosen)
            chosen, pieces, changed = masked.examples, masked.pieces, masked.changed
        split_here = any(example.split is None for example in chosen)
        if split_here:  # after the mask, which makes texts alike
            chosen = split_examples(chosen, seed=plan.seed)
        chosen = list(map(with_reference, chosen))  # before the audit, which counts what is published
        _check_ids(chosen)
        keys = [
            key for key in dict.fromkeys((*METADATA, *plan.metadata)) if any(key in each.metadata for each in chosen)
        ]
        record = _record(plan, audit(chosen, track=track), keys, pieces, changed=changed, split_here=split_here)
        track("writing", 0, 1)
        _write(folder, chosen, plan, record)
    return record


def _write(folder: Path, examples: Sequence[Example], plan: Plan, record: Mapping[str, Any]) -> None:
    keys = record["metadata"]
    for split in record["sizes"]["splits"]:
        write_split(folder, split, [row_of(each, keys) for each in examples if each.split == split], keys)
    if "test" in record["sizes"]["splits"]:
        write_task(folder, plan.repository, record["sizes"]["splits"])
    (folder / "LICENSE").write_text(plan.licence.text, "utf-8", newline="\n")
    (folder / "README.md").write_text(write_card(record, plan.licence, plan.repository), "utf-8", newline="\n")
    write_archive(folder)
    (folder / RECORD).write_text(json.dumps(record, ensure_ascii=False, indent=2) + "\n", "utf-8", newline="\n")
    write_checksums(folder)


def _record(
    plan: Plan, audited: Audit, keys: Sequence[str], pieces: Counter[str], *, changed: int, split_here: bool
) -> dict[str, Any]:
    """Describe the publication; neither times nor paths, so that reruns are identical."""
    rules = plan.manifest.get("rules")
    return {
        "title": plan.title,
        "licence": plan.licence.spdx,
        "attribution": plan.attribution,
        "about": plan.about,
        "sources": list(plan.sources),
        "rules": None if rules is None else {name: did["changed"] for name, did in rules.items() if did["changed"]},
        "split_here": split_here,
        "seed": plan.seed,
        "metadata": list(keys),
        "personal_data": {
            "masked": not plan.keep_personal,
            "pieces": dict(sorted(pieces.items())),
            "examples": changed,
        },
        "sizes": audited.sizes,
        "findings": [
            {"name": each.name, "severity": each.severity, "title": each.title, "count": len(each.items)}
            for each in audited.findings
            if each.severity != "note"
        ],
        "versions": versions(),
    }


def _check_ids(examples: Sequence[Example]) -> None:
    [(most, count)] = Counter(example.id for example in examples).most_common(1)
    if count > 1:
        raise InputError(f"The id {most!r} stands for {count} examples. Run gnb prepare first: it numbers the sources.")
