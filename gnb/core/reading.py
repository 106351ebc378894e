"""Reading a source, strictly or not."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from gnb.core.components import Source
from gnb.core.errors import InputError
from gnb.core.records import Example, Problem

MAX_KEPT = 1000
"""Problems kept for showing; past it they are only counted, so that memory stays bounded on any input."""


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
        InputError: while the examples are taken, if there is nothing to read, or at the first problem when strict.
    """
    problems = Problems(notes=source.notes)
    return source.read(_stop if strict else problems.add), problems


def _stop(problem: Problem) -> None:
    raise InputError(str(problem))
