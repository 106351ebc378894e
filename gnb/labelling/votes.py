"""What travels between gnb and the labelling tools: an example with the votes of its annotators."""

import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from gnb.core.errors import InputError
from gnb.core.jsonl import example_from_json, example_to_json
from gnb.core.records import Example, Problem
from gnb.sources.labels import UnusableError, parse_biased

CATEGORIES = (
    *("none", "ability", "ad", "emotion", "family", "generic", "marking", "occupation", "proverb", "relationship"),
    *("rights", "tweet"),
)
"""The categories of the bundled corpus; exported examples may bring more."""

YES, NO = "yes", "no"
SHOWN = {YES: "بله", NO: "خیر"}
"""The answers as annotators see them where the tool keeps the one apart from the other."""
QUESTION = {"biased": "آیا این متن سوگیری جنسیتی دارد؟", "category": "دسته", "neutral": "بازنویسی خنثی"}
"""What annotators are asked, by field."""

VOTES = "votes"
"""The key of the votes in an example's metadata."""

_LARGEST = 2**24
"""Bytes of an unpacked record: more is no text, but would fill the memory."""


@dataclass(frozen=True, slots=True)
class Vote:
    """What one annotator said about one text; None and empty where they said nothing.

    Raises:
        TypeError: if a file of somebody else's brings values of other types.
    """

    annotator: str
    biased: bool | None = None
    category: str | None = None
    neutral: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        texts = (self.annotator, self.category or "", *self.neutral)
        if not (isinstance(self.biased, bool | None) and all(isinstance(text, str) for text in texts)):
            raise TypeError(f"no vote: {self}")

    @property
    def is_empty(self) -> bool:
        """Whether nothing was said."""
        return self.biased is None and self.category is None and not self.neutral


@dataclass(frozen=True, slots=True)
class Labelled:
    """An example as it was exported, and the votes on it, in order."""

    example: Example
    votes: tuple[Vote, ...]


def with_votes(example: Example, votes: Sequence[Vote]) -> Example:
    """Keep votes in the metadata of an example."""
    kept = [{**asdict(vote), "neutral": list(vote.neutral)} for vote in votes]
    return replace(example, metadata={**example.metadata, VOTES: kept})


def votes_of(example: Example) -> list[Vote]:
    """Return the votes in the metadata of an example.

    Raises:
        InputError: if what stands there are no votes.
    """
    try:
        return [
            Vote(str(vote["annotator"]), vote["biased"], vote["category"], tuple(vote["neutral"]))
            for vote in example.metadata.get(VOTES, ())
        ]
    except (KeyError, TypeError):
        raise InputError(
            f"{example.id}: the votes in its metadata are not those that gnb label import writes."
        ) from None


def record_of(example: Example) -> str:
    """Return what goes out with a text, so that what comes back is the example and no look-alike.

    It is the example's JSON line, packed: annotators see the record, and are not to see the label in it.
    """
    return b64encode(zlib.compress(example_to_json(example).encode("utf-8", "replace"))).decode()


def recall(record: Any, text: Any, where: str) -> Example:
    """Return the example that went out, if text and record are still as they were.

    Raises:
        InputError: if the record is missing or was changed, or the text was edited.
    """
    if not isinstance(record, str):
        raise InputError(f"{where}: has no 'record' as gnb label export writes it; export the texts with it.")
    example = _unpacked(record, where)
    if example is None:
        raise InputError(f"{where}: its 'record' was changed. Take it from the exported file.")
    if text != example.text:
        raise InputError(
            f"{where}: the text of {example.id!r} was edited; put it back and write changes as neutral form."
        )
    return example


def _unpacked(record: str, where: str) -> Example | None:
    unpack = zlib.decompressobj()
    try:
        line = unpack.decompress(b64decode(record, validate=True), _LARGEST).decode()
    except (ValueError, zlib.error):
        return None
    example = example_from_json(line, where)
    return None if isinstance(example, Problem) or not unpack.eof else example


def gather(found: Iterable[tuple[str, Example, Vote | None]]) -> list[Labelled]:
    """Bring together what was said about each text, in the order in which texts and votes first come.

    Raises:
        InputError: if two texts have one id, or an annotator votes twice on one text.
    """
    examples: dict[str, Example] = {}
    votes: dict[str, dict[str, Vote]] = {}
    for where, example, vote in found:
        if examples.setdefault(example.id, example) != example:
            raise InputError(f"{where}: id {example.id!r} is that of another text; ids must be unique.")
        own = votes.setdefault(example.id, {})
        if vote is None or vote.is_empty:
            continue
        if own.setdefault(vote.annotator, vote) != vote:
            raise InputError(f"{where}: {vote.annotator!r} votes twice on {example.id!r}, and not the same.")
    return [Labelled(example, tuple(votes[key].values())) for key, example in examples.items()]


def read_biased(value: Any, where: str) -> bool | None:
    """Read yes or no, in Persian too; an empty value is no vote.

    Raises:
        InputError: if it is something else.
    """
    try:
        return parse_biased(value)
    except UnusableError:
        raise InputError(f"{where}: biased is {value!r}; expected {YES}, {NO} or nothing.") from None


def say_biased(biased: bool | None) -> str:
    """Write a label as the tools show it."""
    return {True: YES, False: NO, None: ""}[biased]


def categories_of(examples: Iterable[Example]) -> list[str]:
    """Return the categories to choose from: the known ones, then those that the examples bring."""
    return list(dict.fromkeys((*CATEGORIES, *sorted({each.category for each in examples if each.category}))))


def suggested(example: Example) -> Mapping[str, Any]:
    """Return what an example itself says, by field, for showing it to annotators."""
    neutral = [reference for reference in example.references if reference != example.text]
    said = {"biased": say_biased(example.biased), "category": example.category, "neutral": neutral}
    return {field: value for field, value in said.items() if value}
