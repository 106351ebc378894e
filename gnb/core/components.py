"""The three interfaces that plugins implement. Everything else in gnb knows components only through these."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, ClassVar, Self

from gnb.core.options import Options
from gnb.core.records import Example, Report, Rewrite, Segment

Record = Mapping[str, Any]
"""A readable JSON record of everything that could change a component's result."""


class Source(ABC):
    """Brings text in.

    A source is named on the command line as NAME or NAME:ARGUMENT; the argument sets the option named in `argument`.

    Attributes:
        notes: what `read` found out and a user should know, such as which columns it takes; a line each.
    """

    options_model: ClassVar[type[Options]] = Options
    argument: ClassVar[str | None] = None

    def __init__(self, options: Options) -> None:
        self.options = options
        self.notes: list[str] = []

    @abstractmethod
    def read(self, report: Report) -> Iterator[Example]:
        """Yield the examples one by one, in a stable order; call `report` for each piece that is skipped.

        Raises:
            InputError: if there is nothing to read at all: a missing file, a folder without matching files.
        """


class Rewriter(ABC):
    """Makes text neutral. Loads what it needs at the first text, frees it in `close`."""

    options_model: ClassVar[type[Options]] = Options

    def __init__(self, options: Options) -> None:
        self.options = options

    @abstractmethod
    def fingerprint(self) -> Record:
        """Return everything that could change an output: model and its revision or hash, prompt, decoding settings.

        Cheap: loads no model. Batch size, device and the like stay out where they change no output.
        """

    @abstractmethod
    def rewrite(self, texts: Iterable[str]) -> Iterator[Rewrite]:
        """Yield one answer a text, in the order of the texts, each as soon as it and those before it are there."""

    def rewrite_as_completed(self, texts: Iterable[str]) -> Iterator[tuple[int, Rewrite]]:
        """Yield one answer a text with the text's place, counted from 0, each as soon as it is there, in any order.

        For rewriters whose answers overtake each other and cost something: what is yielded is kept at once, and so is
        what is still yielded before an error or Ctrl-C is raised on.
        """
        return enumerate(self.rewrite(texts))

    def training_keys(self) -> frozenset[str]:
        """Return `hash_text(comparison_key(text))` of each text it was trained or validated on, as far as it knows.

        Cheap: loads no model. A report says how many of the judged texts are among them.
        """
        return frozenset()

    def close(self) -> None:
        """Free models and connections. May be called twice."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class Column:
    """One number of a metric as the matrix shows it.

    Attributes:
        key: its key in the metric's scores.
        title: the heading, unit included, such as "BLEU" or "touched %".
        best: "high", "low", or "" where neither is better.
        digits: decimals shown.
        scale: factor applied for showing, 100 for shares shown as per cent.
    """

    key: str
    title: str
    best: str = "high"
    digits: int = 2
    scale: float = 1.0


Counts = Mapping[str, float]
"""What a metric counted in one segment: a few named numbers that are stored and can be summed or resampled."""

Scores = Mapping[str, float | None]
"""A metric's numbers for a whole set of segments, by key. None where undefined, such as precision of no positives."""


class Metric(ABC):
    """Judges outputs. `count` looks at segments one by one, `score` turns the counts of many into numbers.

    Counts are stored, so that confidence intervals and subsets need no second pass over the text. Rewriters that give
    equal answers share them, unless the answers differ in one of the `details_read`.

    Attributes:
        columns: what the matrix shows.
        details_read: the keys of a segment's details that `count` looks at.
    """

    options_model: ClassVar[type[Options]] = Options
    columns: Sequence[Column]
    details_read: ClassVar[Sequence[str]] = ()

    def __init__(self, options: Options) -> None:
        self.options = options

    @abstractmethod
    def fingerprint(self) -> Record:
        """Return everything that could change a count or score, library versions included. Cheap: loads no model."""

    @abstractmethod
    def count(self, segments: Sequence[Segment]) -> list[Counts]:
        """Count each segment by itself, in order. A segment the metric cannot judge counts as an empty mapping."""

    @abstractmethod
    def score(self, counts: Sequence[Counts]) -> Scores:
        """Turn the counts of any set of segments into the metric's numbers, one for each column and more."""

    def close(self) -> None:
        """Free models. May be called twice."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
