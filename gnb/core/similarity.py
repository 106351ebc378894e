"""Near-identical texts: MinHash bands find candidates in linear time and memory, edit similarity confirms them.

MinHash: Broder 1997, "On the resemblance and containment of documents"; banding: Leskovec, Rajaraman and Ullman,
"Mining of Massive Datasets", chapter 3.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import batched

import numpy as np
import numpy.typing as npt
from rapidfuzz import fuzz, process

SHINGLE = 4
"""Characters in a shingle: short enough that one changed word leaves most shingles of a sentence alone."""

BANDS, ROWS = 24, 3
"""Texts sharing 0.6 of their shingles meet in some band with 99.7 % probability (1 - (1 - 0.6^ROWS)^BANDS)."""

THRESHOLD = 90.0
"""Per cent of characters in common (indel similarity) from which two texts are near-identical."""

NEIGHBOURS = 16
"""Rows of a bucket that each row is compared with: one that is unlike them may stand between two that are alike."""

_PAD = "\0" * (SHINGLE - 1)
_BATCH = 2048

Bands = npt.NDArray[np.uint32]
Numbers = npt.NDArray[np.uint64]


def band_hashes(keys: Sequence[str]) -> Bands:
    """Return one row of `BANDS` hashes for each comparison key; near-identical keys agree in at least one of them."""
    parts = [_band_batch(batch) for batch in batched(keys, _BATCH)]
    return np.concatenate(parts) if parts else np.empty((0, BANDS), np.uint32)


def near_identical_pairs(bands: Bands, fetch: Callable[[Sequence[int]], Sequence[str]]) -> Iterator[tuple[int, int]]:
    """Yield pairs of row numbers whose keys are near-identical; enough of them to link each group together.

    In each band a row is compared with the `NEIGHBOURS` before it in its bucket, so work grows with the rows and not
    with their pairs. In a bucket of more rows, two that stand further apart may be missed.

    Args:
        bands: what `band_hashes` gave, rows sorted by key so that the result does not depend on input order.
        fetch: returns the keys of the given rows, in the order asked for.
    """
    if not len(bands):
        return
    for band in range(bands.shape[1]):
        order = np.argsort(bands[:, band], kind="stable")
        same = np.diff(bands[order, band]) == 0
        shared = order[np.append(same, False) | np.append(False, same)]  # rows that are not alone in their bucket
        for start in range(0, len(shared), _BATCH):
            first = max(0, start - NEIGHBOURS)
            rows = shared[first : start + _BATCH].tolist()
            near = _near_places(bands[rows, band], fetch(rows), start - first)
            yield from ((rows[left], rows[right]) for left, right in near)


def connect(size: int, links: Iterable[tuple[int, int]]) -> list[int]:
    """Return the group of each of `size` rows, named by its smallest row, where every link joins two rows."""
    parent = list(range(size))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    for left, right in links:
        low, high = sorted((root(left), root(right)))
        parent[high] = low
    return [root(row) for row in range(size)]


def _near_places(hashes: Bands, keys: Sequence[str], new: int) -> Iterator[tuple[int, int]]:
    """Yield pairs of places of one bucket whose keys are near-identical, the later one at `new` or behind."""
    for gap in range(1, NEIGHBOURS + 1):
        right = [place for place in (np.flatnonzero(hashes[gap:] == hashes[:-gap]) + gap).tolist() if place >= new]
        if not right:
            return
        left = [place - gap for place in right]
        pairs = [keys[place] for place in left], [keys[place] for place in right]
        scores = process.cpdist(*pairs, scorer=fuzz.ratio, score_cutoff=THRESHOLD)
        yield from ((left[hit], right[hit]) for hit in np.flatnonzero(scores).tolist())


def _band_batch(keys: Sequence[str]) -> Bands:
    """Hash the shingles of all keys in one array, each key padded so that no shingle reaches into the next key."""
    padded = [key.replace("\0", "") + _PAD for key in keys]
    codes = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    starts = np.cumsum([0, *map(len, padded[:-1])])
    tail = np.zeros(SHINGLE - 1, np.uint64)
    windows = np.lib.stride_tricks.sliding_window_view(np.concatenate([codes, tail]), SHINGLE)
    shingles = windows @ _odd_numbers("shingle", SHINGLE)
    shingles ^= shingles >> np.uint64(29)
    bands = np.zeros((len(keys), BANDS), np.uint64)
    factors, weights = _odd_numbers("row", BANDS * ROWS), _odd_numbers("mix", BANDS * ROWS)
    for row, (factor, weight) in enumerate(zip(factors, weights, strict=True)):
        hashed = shingles * factor
        hashed[codes == 0] = np.iinfo(np.uint64).max
        bands[:, row // ROWS] += np.minimum.reduceat(hashed, starts) * weight
    return (bands >> np.uint64(32)).astype(np.uint32)


def _odd_numbers(name: str, count: int) -> Numbers:
    """Return fixed odd multipliers: multiply-shift hashing (Dietzfelbinger et al. 1997) wants them odd."""
    data = hashlib.shake_128(name.encode()).digest(8 * count)
    return np.frombuffer(data, "<u8").astype(np.uint64) | np.uint64(1)
