"""The stages of a preparation on its work file: clean, merge copies, and group and split what remains."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import batched, groupby
from pathlib import Path

import numpy as np

from gnb.core.cleaning import CleaningOptions
from gnb.core.errors import InputError
from gnb.core.manifest import versions
from gnb.core.preparation.chunks import SIZE, Chunk, CleanChunk, Row, clean_chunk, make_chunks
from gnb.core.preparation.merging import Conflict, merge_copies
from gnb.core.preparation.pool import map_in_order
from gnb.core.preparation.reading import Input, read_lines
from gnb.core.preparation.texts import Texts
from gnb.core.preparation.work import WorkFile
from gnb.core.progress import Track
from gnb.core.similarity import band_hashes, connect, near_identical_pairs
from gnb.core.splitting import Shares, shuffle_rank, stratum_of

_BATCH = 2000

Clean = Callable[[Iterable[Chunk]], Iterator[CleanChunk]]
"""Cleans chunks, in any order, by `gnb.core.preparation.chunks.clean_chunk`."""


def clean_here(workers: int) -> Clean:
    """Return what cleans chunks on this machine, in worker processes."""
    return lambda chunks: map_in_order(clean_chunk, chunks, workers)


def clean_inputs(
    work: WorkFile, inputs: Sequence[Input], options: CleaningOptions, *, clean: Clean, strict: bool, track: Track
) -> Counter[str]:
    """Clean all inputs into the work file, reusing the chunks that are there, and return the counts.

    Raises:
        InputError: if a source holds nothing, if nothing is left, or at the first problem when strict.
    """
    made_by = json.dumps(versions(), sort_keys=True)
    count = 0

    def missing() -> Iterator[Chunk]:
        nonlocal count
        for chunk in make_chunks(read_lines(inputs, strict=strict), options, made_by):
            count = chunk.number + 1
            if not work.has_chunk(chunk.number, chunk.fingerprint):
                yield chunk

    for chunk in clean(missing()):
        work.put_chunk(chunk)
        track("cleaning", chunk.number * SIZE + chunk.counts["read"], 0)
    counts = work.finish_chunks(count)
    if counts["read"] == counts["empty"]:
        raise InputError("There is nothing to prepare: no text is left after cleaning.")
    return counts


def merge_texts(work: WorkFile, texts: Texts, conflicts: Path, *, seed: int, track: Track) -> Counter[str]:
    """Merge the copies of each text, write what they disagree about to a file, and return the counts."""
    counts: Counter[str] = Counter(texts=0, duplicates=0, conflicting_references=0, conflicting_labels=0)
    with conflicts.open("w", encoding="utf-8", newline="\n") as file:
        for place, (key, group) in enumerate(groupby(work.rows_by_key(), key=lambda numbered: numbered[1].key)):
            number, kept = next(group)
            texts.add_pair(kept.pair, place)
            merged = False
            for _, copy in group:
                kept, conflict = _merge_rows(kept, copy)
                merged = True
                texts.add_pair(copy.pair, place)
                counts["duplicates"] += 1
                if conflict is not None:
                    counts["conflicting_labels" if conflict.labels else "conflicting_references"] += 1
                    file.write(json.dumps(conflict.as_record(), ensure_ascii=False) + "\n")
            texts.add(place, number, shuffle_rank(key, seed), kept, merged=merged)
            counts["texts"] += 1
            if place % _BATCH == 0:
                track("merging copies", place, 0)
    texts.commit()
    return counts


def split_texts(texts: Texts, *, shares: Shares, track: Track) -> None:
    """Group what is alike and give each group a split, as `gnb.core.splitting.split_examples` does in memory."""
    texts.split(connect(texts.count(), _links(texts, track)), shares)


def _merge_rows(kept: Row, copy: Row) -> tuple[Row, Conflict | None]:
    merged, conflict = merge_copies(json.loads(kept.line), json.loads(copy.line))
    stratum = stratum_of(merged["category"], merged["metadata"].get("register"))
    line = json.dumps(merged, ensure_ascii=False)
    return kept._replace(line=line, stratum=stratum, split=merged["split"]), conflict


def _links(texts: Texts, track: Track) -> Iterator[tuple[int, int]]:
    """Yield the places of texts that must share a split: near-identical ones and pairs."""
    bands = []
    for batch in batched(texts.keys(), _BATCH):
        bands.append(band_hashes(batch))
        track("comparing texts", len(bands) * _BATCH, 0)
    yield from near_identical_pairs(np.concatenate(bands), texts.keys_at)
    yield from texts.paired_places()
