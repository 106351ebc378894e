"""Splits examples into train, validation and test, so that nothing alike straddles two of them."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf

from gnb.core.errors import SettingsError
from gnb.core.records import SPLITS, Example
from gnb.core.text import comparison_key

Shares = tuple[float, float, float]
SHARES: Shares = (0.8, 0.1, 0.1)
_BAD_SHARES = "shares {}: give three numbers of at least 0, such as 0.8,0.1,0.1."


@dataclass(slots=True)
class _Group:
    """Examples that must share a split: the smallest rank, the strata met (first and last in order), the size."""

    rank: str
    strata: tuple[str, str]
    size: int = 0
    split: str | None = None

    def add(self, rank: str, stratum: str, split: str | None) -> None:
        self.rank = min(self.rank, rank)
        self.strata = min(self.strata[0], stratum), max(self.strata[1], stratum)
        self.size += 1
        if split:
            self.split = min(split, self.split or split)  # "test" before "train": rather less to train on than a leak


def split_examples(examples: Sequence[Example], *, seed: int = 0, shares: Shares = SHARES) -> list[Example]:
    """Give each example a split, whatever order they come in.

    Contrast pairs (`metadata["pair"]`) and near-identical texts stay together. Each category and register is spread
    over the splits by the shares. An example that has a split keeps it, and those alike follow it. A single example
    is for training.

    Args:
        examples: the examples; they are returned in the same order.
        seed: another seed gives another split.
        shares: the parts of train, validation and test, each at least 0, on any scale.

    Raises:
        SettingsError: if a share is negative or all are zero.
    """
    keys = [comparison_key(example.text) for example in examples]
    members = _group(keys, [example.metadata.get("pair") for example in examples])
    groups: dict[int, _Group] = {}
    for number, key, example in zip(members, keys, examples, strict=True):
        rank, stratum = shuffle_rank(key, seed), stratum_of(example.category, example.metadata.get("register"))
        groups.setdefault(number, _Group(rank, (stratum, stratum))).add(rank, stratum, example.split)
    free = [group for group in groups.values() if group.split is None]
    free.sort(key=lambda group: (group.strata, group.rank))
    for group, split in allot(((group, group.size) for group in free), shares):
        group.split = split
    return [
        example if example.split else replace(example, split=groups[number].split)
        for number, example in zip(members, examples, strict=True)
    ]


def stratum_of(category: object, register: object) -> str:
    """Return the name of what is spread evenly over the splits: a category in a register, as far as they are known."""
    return f"{category or ''}/{register or ''}"


def parse_shares(text: str) -> Shares:
    """Read the shares of train, validation and test, such as "0.8,0.1,0.1" or "8,1,1".

    Raises:
        SettingsError: if these are not three numbers of at least 0, one of them above.
    """
    try:
        train, validation, test = (float(part) for part in text.split(","))
    except ValueError:
        raise SettingsError(_BAD_SHARES.format(text)) from None
    _check_shares((train, validation, test))
    return train, validation, test


def shuffle_rank(key: str, seed: int) -> str:
    """Return a text by which keys sort in random order, the same for the same seed on every machine."""
    data = f"{seed}\n{key}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def allot[GroupT](groups: Iterable[tuple[GroupT, int]], shares: Shares = SHARES) -> Iterator[tuple[GroupT, str]]:
    """Yield each group, given with its size, with its split: the one that lags furthest behind its share.

    Groups sorted by stratum keep the shares in each stratum and overall (error diffusion). Of splits that lag alike,
    train comes first and then test, which a small corpus needs more than validation.

    Raises:
        SettingsError: if a share is negative or all are zero.
    """
    _check_shares(shares)
    wanted = {split: share / sum(shares) for split, share in zip(SPLITS, shares, strict=True) if share > 0}
    preference = sorted(wanted, key=("train", "test", "validation").index)
    given, total = dict.fromkeys(wanted, 0), 0
    for group, size in groups:
        total += size
        # rounding keeps a tie a tie whatever the shares' binary fractions are
        lag = {split: round(wanted[split] * total - given[split], 6) for split in preference}
        split = max(lag, key=lag.__getitem__)
        given[split] += size
        yield group, split


def _group(keys: Sequence[str], pairs: Sequence[object]) -> list[int]:
    """Return the group number of each row: rows are linked by equal or near-identical keys and by their pair."""
    from gnb.core.similarity import band_hashes, connect, near_identical_pairs

    unique = sorted(set(keys))
    place = {key: row for row, key in enumerate(unique)}
    rows = [place[key] for key in keys]

    def links() -> Iterator[tuple[int, int]]:
        yield from near_identical_pairs(band_hashes(unique), lambda wanted: [unique[row] for row in wanted])
        first: dict[str, int] = {}
        for row, pair in zip(rows, pairs, strict=True):
            if pair not in (None, ""):
                yield first.setdefault(str(pair), row), row

    group = connect(len(unique), links())
    return [group[row] for row in rows]


def _check_shares(shares: Shares) -> None:
    if not (all(0 <= share < inf for share in shares) and sum(shares) > 0):
        raise SettingsError(_BAD_SHARES.format(shares))
