"""Reading a source, strictly or not."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gnb.core.components import Source
from gnb.core.errors import InputError, shown
from gnb.core.records import SPLITS, Example, Problem

MAX_KEPT = 1000
"""Problems kept for showing; past it they are only counted, so that memory stays bounded on any input."""

_FIELDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "id": (lambda value: isinstance(value, str), "a text"),
    "text": (lambda value: isinstance(value, str), "a text"),
    "references": (
        lambda value: isinstance(value, tuple) and all(isinstance(each, str) for each in value),
        "a tuple of texts",
    ),
    "biased": (lambda value: value is None or isinstance(value, bool), "True, False or None"),
    "category": (lambda value: value is None or isinstance(value, str), "a text or None"),
    "origin": (lambda value: isinstance(value, str), "a text"),
    "split": (lambda value: value is None or value in SPLITS, f"one of {', '.join(SPLITS)}, or None"),
    "metadata": (lambda value: isinstance(value, Mapping), "a mapping"),
}
"""What tells whether a field of an example holds what it may, and what that is."""


@dataclass(slots=True)
class Problems:
    """What a source has skipped so far: all of it counted, the first `MAX_KEPT` pieces kept; and what it notes."""

    count: int = 0
    kept: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, problem: Problem) -> None:
        """Count one problem."""
        self.count += 1
        if len(self.kept) < MAX_KEPT:
            self.kept.append(problem)


def read_source(source: Source, *, strict: bool = False) -> tuple[Iterator[Example], Problems]:
    """Read a source. Returns its examples, one by one, and the problems, which fill up while these are taken.

    Args:
        source: the source.
        strict: stop at the first problem instead of counting it.

    Raises:
        InputError: while the examples are taken, if there is nothing to read, at the first problem when strict, or at
            what is no sound example: a text in place of a tuple of references would count as many of one letter.
    """
    problems = Problems(notes=source.notes)
    return _sound(source.read(_stop if strict else problems.add), source), problems


def fault_of(example: object) -> str:
    """Say what is wrong with the type of what a source yielded, or of a field of it; an empty string if nothing is."""
    if not isinstance(example, Example):
        return f"it yielded {shown(example)}, not an Example"
    for name, (fits, wanted) in _FIELDS.items():
        if not fits(value := getattr(example, name)):
            return f"example {shown(example.id)}: {name} must be {wanted}, got {shown(value)}"
    return ""


def _sound(examples: Iterable[Example], source: Source) -> Iterator[Example]:
    for example in examples:
        if fault := fault_of(example):
            kind = type(source)
            raise InputError(f"The source {kind.__module__}:{kind.__qualname__} is at fault: {fault}.")
        yield example


def _stop(problem: Problem) -> None:
    raise InputError(str(problem))
