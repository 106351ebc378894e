"""Texts that are the same or nearly so, within a split and across two, and what copies disagree about.

MinHash signatures of character shingles find candidates (Broder 1997; the library datasketch, not gnb's own hashing,
which made the splits that are judged here), edit similarity confirms them.
"""

from collections.abc import Iterator, Sequence
from itertools import product

from gnb.auditing.findings import Finding, Item, found, item_of
from gnb.auditing.sizes import LABELS
from gnb.core.errors import MissingDependencyError
from gnb.core.records import Example
from gnb.core.text import comparison_key

SEED = 1
"""Of the hash functions: the same data gives the same candidates."""

_SHINGLE = 4
"""Characters in a shingle."""
_BANDS, _ROWS = 16, 3
"""Texts that share 0.6 of their shingles become candidates with 98 % probability: 1 - (1 - 0.6^3)^16."""
_MOST_CANDIDATES = 200
"""Candidates compared for one text, so that a corpus made from one template costs no square of its size."""

_Group = list[Example]
_Pair = tuple[Example, Example, float]


def check_copies(examples: Sequence[Example], near: float) -> Iterator[Finding]:
    """Look for copies.

    Args:
        examples: all of the data.
        near: per cent of characters in common (indel similarity) from which two texts nearly agree.

    Raises:
        MissingDependencyError: if datasketch is not installed.
    """
    groups = group_copies(examples)
    copies = [group for group in groups.values() if len(group) > 1]
    yield from found("duplicate", "warning", "texts that are copies of an earlier one", _copies(copies))
    yield from found("contradictory-labels", "error", "copies of one text with opposite labels", _opposed(copies))
    yield from found("contradictory-categories", "warning", "copies of one text in two categories", _differing(copies))
    pairs = list(_alike(groups, near))
    yield from found("near-duplicate", "warning", "pairs of texts that nearly agree", _near(pairs))
    yield from found("leak", "error", "texts that lie in two splits", _leaks(copies))
    crossing = [pair for pair in pairs if _straddle(pair[0], pair[1])]
    yield from found("near-leak", "error", "pairs of texts that nearly agree and lie in two splits", _near(crossing))


def group_copies(examples: Sequence[Example]) -> dict[str, _Group]:
    """Return the examples by their text; spelling and white space aside."""
    groups: dict[str, _Group] = {}
    for example in examples:
        groups.setdefault(comparison_key(example.text) or example.text, []).append(example)
    return groups


def _alike(groups: dict[str, _Group], near: float) -> Iterator[_Pair]:
    """Yield the pairs of texts that nearly agree, each and all in the order of the data, with their similarity.

    Contrast pairs in one split are left out. Of copies those are taken that lie in two splits, or else the first ones.
    """
    places = {key: place for place, key in enumerate(groups)}
    found: list[tuple[str, str, float]] = []
    for left, right, score in near_pairs(sorted(groups), near):
        first, second = sorted((left, right), key=places.__getitem__)
        found.append((first, second, score))
    found.sort(key=lambda pair: (places[pair[0]], places[pair[1]]))
    for one, other, score in found:
        pair = _apart(groups[one], groups[other])
        if _straddle(*pair) or _pairs_in(groups[one]).isdisjoint(_pairs_in(groups[other])):
            yield *pair, score


def near_pairs(keys: Sequence[str], near: float) -> Iterator[tuple[str, str, float]]:
    """Yield pairs of comparison keys that nearly agree, with their similarity in per cent.

    Raises:
        MissingDependencyError: if datasketch is not installed.
    """
    from rapidfuzz import fuzz, process

    try:
        from datasketch import MinHash, MinHashLSH
    except ImportError:
        raise MissingDependencyError("An audit needs datasketch. Install: pip install 'gnb[audit]'") from None
    index = MinHashLSH(num_perm=_BANDS * _ROWS, params=(_BANDS, _ROWS))
    hashes = MinHash.generator(map(_shingles, keys), num_perm=_BANDS * _ROWS, seed=SEED)
    for row, (key, minhash) in enumerate(zip(keys, hashes, strict=True)):
        candidates = [keys[other] for other in sorted(index.query(minhash))[-_MOST_CANDIDATES:]]
        index.insert(row, minhash, check_duplication=False)
        for other, score, _ in process.extract_iter(key, candidates, scorer=fuzz.ratio, score_cutoff=near):
            yield other, key, score


def _shingles(key: str) -> list[bytes]:
    data = {key[start : start + _SHINGLE] for start in range(max(1, len(key) - _SHINGLE + 1))}
    return [shingle.encode("utf-8", "surrogatepass") for shingle in data]


def _apart(first: _Group, second: _Group) -> tuple[Example, Example]:
    """Return a copy of each text: the first two that lie in different splits, or else the first ones."""
    copies = product(_by_split(first), _by_split(second))
    return next((pair for pair in copies if _straddle(*pair)), (first[0], second[0]))


def _by_split(group: _Group) -> list[Example]:
    """Return the first copy in each split."""
    found: dict[str | None, Example] = {}
    for each in group:
        found.setdefault(each.split, each)
    return list(found.values())


def _pairs_in(group: _Group) -> set[str]:
    """Return the contrast pairs that copies belong to: texts that are meant to look alike."""
    return {str(pair) for each in group if (pair := each.metadata.get("pair")) not in (None, "")}


def _straddle(first: Example, second: Example) -> bool:
    return None not in (first.split, second.split) and first.split != second.split


def _copies(groups: Sequence[_Group]) -> list[Item]:
    return [item_of(copy, f"copy of {group[0].id}") for group in groups for copy in group[1:]]


def _leaks(groups: Sequence[_Group]) -> list[Item]:
    """Return the copies that lie in another split than the first one that has a split."""
    placed = [[each for each in group if each.split] for group in groups]
    return [
        item_of(copy, f"{copy.split}; the same text in {group[0].split}: {group[0].id}")
        for group in placed
        for copy in group
        if _straddle(group[0], copy)
    ]


def _near(pairs: Sequence[_Pair]) -> list[Item]:
    return [
        item_of(second, f"{int(score)} % the same as {first.id}{_splits(first, second)}", other=first.text)
        for first, second, score in pairs
    ]


def _splits(first: Example, second: Example) -> str:
    return f" ({second.split} and {first.split})" if _straddle(first, second) else ""


def _opposed(groups: Sequence[_Group]) -> list[Item]:
    return [
        item_of(each, LABELS[each.biased])
        for group in groups
        if {each.biased for each in group} >= {True, False}
        for each in group
    ]


def _differing(groups: Sequence[_Group]) -> list[Item]:
    """Return copies with the same label in two categories."""
    same = [[each for each in group if each.biased is biased] for group in groups for biased in (True, False, None)]
    return [
        item_of(each, each.category or "")
        for group in same
        if len({each.category for each in group if each.category}) > 1
        for each in group
    ]
