"""The matrix: what a comparison found, rewriters by metrics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gnb.core.components import Column, Record, Scores


@dataclass(frozen=True, slots=True)
class Cell:
    """One metric's scores for one rewriter; `error` says why there are none."""

    scores: Scores
    error: str = ""


@dataclass(frozen=True, slots=True)
class Judge:
    """One metric of a matrix: its label, what identifies it, and the columns it fills."""

    label: str
    fingerprint: str
    record: Record
    columns: Sequence[Column]


@dataclass(frozen=True, slots=True)
class Row:
    """One rewriter of a matrix.

    Attributes:
        label: what the user calls it.
        fingerprint: the hash of `record`; empty if the rewriter failed before it had one.
        record: everything that could change one of its outputs.
        fallbacks: texts without a usable answer, left as they were.
        trained_on: judged texts that its training data held.
        cells: its results by the labels of the metrics.
        error: why it has no results; empty if it has.
    """

    label: str
    fingerprint: str
    record: Record
    fallbacks: int
    trained_on: int
    cells: Mapping[str, Cell]
    error: str = ""


@dataclass(frozen=True, slots=True)
class Matrix:
    """What a comparison found.

    Attributes:
        run: the run's name in the store.
        texts: how many examples were judged.
        unlabelled: how many of them have no reference.
        settings: what was asked for, as the store keeps it.
        judges: the metrics.
        rows: the rewriters.
        found: how many examples the sources hold, judged or not; None if nobody counted.
        in_split: how many of them are in the split that was judged, likewise.
    """

    run: str
    texts: int
    unlabelled: int
    settings: Mapping[str, Any]
    judges: Sequence[Judge]
    rows: Sequence[Row]
    found: int | None = None
    in_split: int | None = None

    @property
    def failed(self) -> bool:
        """Whether any cell has no result because something failed."""
        return any(row.error or any(cell.error for cell in row.cells.values()) for row in self.rows)

    def value(self, row: Row, judge: Judge, column: Column) -> float | None:
        """Return one number of the matrix, None if undefined or failed."""
        return row.cells[judge.label].scores.get(column.key)

    def best(self, judge: Judge, column: Column) -> float | None:
        """Return the best number of a column as it is shown, None where none is better than another."""
        values = {shown for row in self.rows if (shown := self.shown(row, judge, column)) is not None}
        if len(values) < 2 or not column.best:
            return None
        return max(values) if column.best == "high" else min(values)

    def shown(self, row: Row, judge: Judge, column: Column) -> float | None:
        """Return one number scaled and rounded as a table shows it, so that what looks equal is equal."""
        value = self.value(row, judge, column)
        return None if value is None else round(value * column.scale, column.digits)
