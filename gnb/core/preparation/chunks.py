"""Cleans examples chunk by chunk. A chunk is what travels to a worker process and what survives a kill."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import batched
from typing import Any, NamedTuple

from gnb.core.cleaning import Cleaner, CleaningOptions, Step
from gnb.core.splitting import stratum_of
from gnb.core.text import comparison_key

SIZE = 1000
"""Examples in a chunk: large enough that sending it costs little, small enough that losing it costs little."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Examples as read, one JSON line each, with the rules to clean them by.

    Attributes:
        number: its place in the input, from 0.
        fingerprint: changes with the lines, the rules and the libraries behind these.
    """

    number: int
    fingerprint: str
    options: CleaningOptions
    lines: tuple[bytes, ...]


class Row(NamedTuple):
    """One clean example: its comparison key, its JSON line, and what grouping and splitting ask of it."""

    key: str
    line: str
    stratum: str
    pair: str | None
    split: str | None
    rules: str


@dataclass(frozen=True, slots=True)
class CleanChunk:
    """A cleaned chunk with its counts: `read`, `empty`, and `changed:RULE` and `removed:RULE` for each rule."""

    number: int
    fingerprint: str
    rows: tuple[Row, ...]
    counts: dict[str, int]


def make_chunks(lines: Iterable[bytes], options: CleaningOptions, versions: str) -> Iterator[Chunk]:
    """Yield the input in chunks of `SIZE` lines. `versions` names the libraries that cleaning depends on."""
    start = hashlib.sha256(f"{options.model_dump_json()}\n{versions}\n".encode())
    for number, batch in enumerate(batched(lines, SIZE)):
        digest = start.copy()
        for line in batch:
            digest.update(line + b"\n")
        yield Chunk(number, digest.hexdigest(), options, batch)


def clean_chunk(chunk: Chunk) -> CleanChunk:
    """Clean the texts and references of a chunk; an example whose text is empty afterwards is dropped and counted."""
    cleaner = _cleaner(chunk.options)
    counts: Counter[str] = Counter(read=len(chunk.lines))
    rows = [_clean_line(line, cleaner, counts) for line in chunk.lines]
    kept = tuple(row for row in rows if row is not None)
    counts["empty"] = len(rows) - len(kept)
    return CleanChunk(chunk.number, chunk.fingerprint, kept, dict(sorted(counts.items())))


def clean_record(record: dict[str, Any], cleaner: Cleaner) -> tuple[dict[str, Any], list[Step]]:
    """Return an example, as its JSON object, with clean texts, and the steps that led there.

    What the author wrote is kept where it differs: `raw` and `raw_references` in the metadata, with the `rules`.
    """
    clean: dict[str, str] = {}
    steps: list[Step] = []
    for text in (record["text"], *record["references"]):
        if text not in clean:  # the reference of an unbiased text is the text itself
            clean[text], more = cleaner.clean(text)
            steps += more
    text, references = clean[record["text"]], [clean[reference] for reference in record["references"]]
    metadata = dict(record["metadata"])
    if text != record["text"]:
        metadata.setdefault("raw", record["text"])
    if references != record["references"]:
        metadata.setdefault("raw_references", record["references"])
    if steps:
        metadata["rules"] = sorted({*_earlier_rules(metadata), *(step.rule for step in steps)})
    kept = list(dict.fromkeys(reference for reference in references if reference))
    return {**record, "text": text, "references": kept, "metadata": metadata}, steps


def _earlier_rules(metadata: dict[str, Any]) -> list[str]:
    """Return the rules that an earlier cleaning noted; a column of the user's may have the same name."""
    rules = metadata.get("rules")
    return rules if isinstance(rules, list) and all(isinstance(rule, str) for rule in rules) else []


def _clean_line(line: bytes, cleaner: Cleaner, counts: Counter[str]) -> Row | None:
    record, steps = clean_record(json.loads(line), cleaner)
    for step in steps:
        counts[f"changed:{step.rule}"] += 1
        counts[f"removed:{step.rule}"] += max(0, len(step.before) - len(step.after))
    if not record["text"]:
        return None
    metadata = record["metadata"]
    pair = metadata.get("pair")
    return Row(
        key=comparison_key(record["text"]) or record["text"],
        line=json.dumps(record, ensure_ascii=False),
        stratum=stratum_of(record["category"], metadata.get("register")),
        pair=None if pair in (None, "") else str(pair),
        split=record["split"],
        rules=" ".join(sorted({step.rule for step in steps})),
    )


@cache
def _cleaner(options: CleaningOptions) -> Cleaner:
    return Cleaner(options)
