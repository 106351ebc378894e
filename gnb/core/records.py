"""The record that travels from a source to the report."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

SPLITS = ("train", "validation", "test")
"""The splits of a dataset, in order."""


@dataclass(frozen=True, slots=True)
class Example:
    """One text and what is known about it.

    Attributes:
        id: unique within its source.
        text: the text as its author wrote it.
        references: its neutral forms, the preferred one first; none if unlabelled. An unbiased text's is itself.
        biased: whether the text is biased; None if nobody has said.
        category: the guideline's category, "none" for an unbiased text, or None if nobody has said.
        origin: where it comes from, such as "Bias1.txt:3".
        split: "train", "validation" or "test" where the source fixes it.
        metadata: anything else the source knows, JSON values only: register, pair, ...
    """

    id: str
    text: str
    references: tuple[str, ...] = ()
    biased: bool | None = None
    category: str | None = None
    origin: str = ""
    split: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Problem:
    """A piece of input that a source could not use.

    Attributes:
        where: file and line, such as "Bias1.txt:12".
        what: what was found and what was expected instead.
    """

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


Report = Callable[[Problem], None]
"""What a source calls for every piece it skips. In strict mode the callee raises InputError."""


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A rewriter's answer to one text.

    Attributes:
        text: the neutral form.
        raw: what the model said before post-processing; None for rewriters that have no such thing.
        fallback: True if there was no usable answer and `text` is the input.
        details: anything else worth keeping, JSON values only: tokens, cost, ... How biased the text is stands under
            "probability" (0 to 1, calibrated) or "margin" (in nats, uncalibrated, higher for more); how sure the
            rewriter is of the least sure of its edits, under "edit_probability" (0 to 1).
    """

    text: str
    raw: str | None = None
    fallback: bool = False
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Segment:
    """What a metric sees: one example with one rewriter's output (the hypothesis) and what it noted of it."""

    example: Example
    hypothesis: str
    details: Mapping[str, Any] = field(default_factory=dict)
