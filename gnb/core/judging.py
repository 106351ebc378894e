"""Scores outputs by a metric: segments are counted once and for all, and the counts kept in the store."""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from gnb.core.answering import FAULTS, closed_after, identify, reason
from gnb.core.components import Counts, Metric, Scores
from gnb.core.errors import GnbError, StoreError
from gnb.core.fingerprint import canonical_json, hash_text, hash_texts
from gnb.core.matrix import Cell, Judge
from gnb.core.progress import Follow, Track
from gnb.core.records import Segment
from gnb.core.store import Store

_FIRST_CHUNK = 256
_CHUNK_SECONDS = 2.0


def judge(
    label: str, metric: Metric, rows: Mapping[str, Sequence[Segment]], store: Store, track: Track
) -> tuple[Judge, dict[str, Cell]]:
    """Judge the segments of each row, from the store where it has them. What the metric raises is left in the cells.

    Args:
        label: what the user calls the metric.
        metric: the metric; it is closed afterwards.
        rows: what is judged, by the labels of the rewriters.
        store: where counts and scores are kept.
        track: follows the counting.

    Returns:
        The metric as the matrix shows it, and its cells by row.

    Raises:
        StoreError: if the store cannot be used.
    """
    try:
        record = identify(metric)
        fingerprint = store.add_record("metric", record)
    except StoreError:
        raise
    except FAULTS as error:
        return Judge(label, "", {}, metric.columns), {row: Cell({}, reason(error)) for row in rows}
    judging = _Judging(metric, fingerprint, store)
    with closed_after(metric):
        cells = {row: judging.cell(rows[row], partial(track, f"{label} of {row}")) for row in rows}
    return Judge(label, fingerprint, record, metric.columns), cells


@dataclass(frozen=True, slots=True)
class _Judging:
    metric: Metric
    fingerprint: str
    store: Store

    def cell(self, segments: Sequence[Segment], follow: Follow) -> Cell:
        try:
            return Cell(self._scores(segments, follow))
        except StoreError:
            raise
        except FAULTS as error:
            return Cell({}, reason(error))

    def _scores(self, segments: Sequence[Segment], follow: Follow) -> Scores:
        keys = [_segment_key(segment, self.metric.details_read) for segment in segments]
        whole = hash_texts(keys)
        if (scores := self.store.scores(self.fingerprint, whole)) is None:
            counts = self._counts(dict(zip(keys, segments, strict=True)), follow)
            scores = _defined(self.metric.score([counts[key] for key in keys]))
            self.store.add_scores(self.fingerprint, whole, scores)
        return scores

    def _counts(self, segments: Mapping[str, Segment], follow: Follow) -> Mapping[str, Counts]:
        counts = self.store.counts(self.fingerprint, list(segments))
        missing = [key for key in segments if key not in counts]
        for chunk in _chunks(missing):
            follow(len(counts), len(segments))
            counted = self.metric.count([segments[key] for key in chunk])
            if len(counted) != len(chunk):
                raise GnbError(f"It counted {len(counted)} of {len(chunk)} segments.")
            counts |= dict(zip(chunk, counted, strict=True))
            self.store.add_counts(self.fingerprint, {key: counts[key] for key in chunk})
        follow(len(segments), len(segments))
        return counts


def _segment_key(segment: Segment, details_read: Sequence[str]) -> str:
    """Return the hash of what a metric sees; details that it does not read would only keep counts from being shared."""
    example = segment.example
    seen = [example.text, example.references, example.biased, example.category, dict(example.metadata)]
    details = {key: segment.details[key] for key in details_read if key in segment.details}
    return hash_text(canonical_json([*seen, segment.hypothesis, *([details] if details else [])]))


def _chunks(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield the keys in parts, larger ones as long as they pass quickly, so that little is lost and little is paid."""
    start, size = 0, _FIRST_CHUNK
    while start < len(keys):
        began = time.monotonic()
        yield keys[start : start + size]
        start += size
        if time.monotonic() - began < _CHUNK_SECONDS:
            size *= 4


def _defined(scores: Scores) -> Scores:
    """Return the scores with None for what is not a number, as JSON knows none."""
    return {key: None if value is None or not math.isfinite(value) else value for key, value in scores.items()}
