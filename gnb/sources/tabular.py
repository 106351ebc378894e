"""What the sources of tables share: rows into examples, by column."""

import math
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any, ClassVar, NamedTuple

from gnb.core.components import Source
from gnb.core.errors import InputError
from gnb.core.lines import is_blank
from gnb.core.options import Options
from gnb.core.records import Example, Problem, Report
from gnb.core.text import comparison_key
from gnb.sources.columns import CARRIED, OWN, ColumnOptions, Columns, choose_columns, column_names, value_of
from gnb.sources.files import UserPath
from gnb.sources.labels import UnusableError, parse_biased, parse_split
from gnb.sources.packed import BrokenError
from gnb.sources.pieces import Piece, open_pieces

_LOOK = 100
"""Rows that are looked at to see which columns there are: objects need not all have the same keys."""


class Row(NamedTuple):
    """One row: its place in the file (line or number), unlike that of any other row, and its cells by column."""

    place: int | str
    cells: Mapping[str, Any]


class TableOptions(ColumnOptions):
    """Options of the sources that read tables from files."""

    path: UserPath
    """A file, one that is packed (gz, zip, 7z, tar), a folder, or a pattern such as `data/*.csv`."""
    split: str | None = None
    """Column of the split: train, validation or test.  [split]"""


class TableSource(Source):
    """Base of the sources that read tables from files."""

    options_model: ClassVar[type[Options]] = TableOptions
    argument: ClassVar[str | None] = "path"
    endings: ClassVar[tuple[str, ...]]
    options: TableOptions

    @abstractmethod
    def rows(self, piece: Piece, report: Report) -> Iterator[Row]:
        """Yield the rows of one file; report what is none.

        Raises:
            BrokenError: where the file ends or stops making sense in the middle.
        """

    def read(self, report: Report) -> Iterator[Example]:
        """Yield the examples file by file, row by row; rows without a text, or with a label nobody knows, are reported.

        Raises:
            InputError: if there is no such file, no row in any, no row that can be used, or a column is missing.
        """
        self.notes.clear()
        reading = Reading(self.options, report, self.notes)
        for piece in open_pieces(self.options.path, self.endings, reading.report):
            rows = self.rows(piece, reading.report)
            yield from reading.examples(piece.name, piece.label, rows, column=self.options.split)
        reading.finish(str(self.options.path))


class Reading:
    """One reading of one or several tables: every id once, and an error if nothing comes of it."""

    def __init__(self, options: ColumnOptions, report: Report, notes: list[str]) -> None:
        self._options = options
        self._report = report
        self._notes = notes
        self._ids: set[int] = set()
        self._first: Problem | None = None

    def report(self, problem: Problem) -> None:
        """Pass a problem on, and keep the first."""
        self._first = self._first or problem
        self._report(problem)

    def examples(
        self,
        name: str,
        label: str,
        rows: Iterator[Row],
        *,
        split: str | None = None,
        column: str | None = None,
        prefix: str = "",
    ) -> Iterator[Example]:
        """Yield the examples of one table, and note which columns are taken.

        Args:
            name: of the table, for messages.
            label: what the ids begin with that name the row.
            rows: its rows.
            split: the split of all of them, None to look for a column.
            column: the column of the split, None for the usual one.
            prefix: what stands before the ids of an id column.

        Raises:
            InputError: if a column is missing.
        """
        rows = self._until_broken(name, rows)
        head = list(islice(rows, _LOOK))
        if not head:
            self.report(Problem(name, "holds no rows; expected one text a row"))
            return
        names = column_names(row.cells for row in head)
        columns = choose_columns(self._options, names, name, split="" if split else column)
        self._notes.append(f"{name}: {columns.summary(names)}")
        for row in chain(head, rows):
            try:
                example = to_example(row, columns, label, split=split, prefix=prefix)
                self._check_new(example.id)
            except UnusableError as fault:
                self.report(Problem(f"{name}:{row.place}", str(fault)))
            else:
                yield example

    def finish(self, path: str) -> None:
        """Refuse a source that gave no example.

        Raises:
            InputError: naming the first problem.
        """
        if not self._ids:
            raise InputError(f"{path}: holds no text that can be used. {self._first or 'It is empty'}.")

    def _until_broken(self, name: str, rows: Iterator[Row]) -> Iterator[Row]:
        try:
            yield from rows
        except BrokenError as error:
            self.report(Problem(name, f"{error}; what comes before that is read"))

    def _check_new(self, name: str) -> None:
        key = hash(name)  # a million ids as numbers are a third of their size
        if key in self._ids:
            raise UnusableError(
                f"the id {name!r} a second time; expected each once, or another id=COLUMN, or none: id="
            )
        self._ids.add(key)


def to_example(row: Row, columns: Columns, label: str, *, split: str | None = None, prefix: str = "") -> Example:
    """Turn a row into an example. What is written in a cell stays as it is.

    Raises:
        UnusableError: if there is no text, a cell does not hold what its column should, or it contradicts itself.
    """
    cells = row.cells
    text = _text(value_of(cells, columns.text), columns.text)
    if is_blank(text):
        raise UnusableError(f"no text in {columns.text!r}; expected something to read")
    references = tuple(item for name in columns.references for item in _texts(value_of(cells, name), name))
    biased = parse_biased(value_of(cells, columns.biased)) if columns.biased else None
    category = _text(value_of(cells, columns.category), columns.category) or None if columns.category else None
    biased, references = _agree(text, references, biased, category)
    origin = f"{label}:{row.place}"
    name = _text(value_of(cells, columns.id), columns.id) if columns.id else ""
    return Example(
        id=f"{prefix}{name}" if name else origin,
        text=text,
        references=references,
        biased=biased,
        category=category or ("none" if biased is False else None),
        origin=origin,
        split=split or (parse_split(value_of(cells, columns.split)) if columns.split else None),
        metadata=_metadata(cells, columns),
    )


def _agree(
    text: str, references: tuple[str, ...], biased: bool | None, category: str | None
) -> tuple[bool | None, tuple[str, ...]]:
    """Fill in whether a text is biased where its neutral forms tell, and refuse what contradicts itself."""
    same = bool(references) and all(comparison_key(item) == comparison_key(text) for item in references)
    if biased is None and category == "none":
        biased = False
    if biased is None and references:
        biased = not same
    if biased is not False:
        return biased, references
    if references and not same:
        raise UnusableError("a text that is not biased, with another text as its neutral form; expected itself")
    return biased, (text,)


def _text(value: Any, name: str) -> str:
    """Return a cell as text: numbers as they are written, nothing where there is none."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise UnusableError(f"a {type(value).__name__} in {name!r}; expected a text")


def _texts(value: Any, name: str) -> Iterable[str]:
    items = value if isinstance(value, list | tuple) else [value]
    return [text for item in items if not is_blank(text := _text(item, name))]


def _metadata(cells: Mapping[str, Any], columns: Columns) -> dict[str, Any]:
    """Return what is kept beside text and labels: what gnb wrote itself by its own name, and only by that."""
    if columns.metadata is True:
        names: Iterable[str] = [name for name in cells if name not in columns.used()]
    else:
        names = columns.metadata or ()
    carried = {name.removeprefix(f"{OWN}."): value_of(cells, name) for name in columns.carried()}
    kept = {name: value for name, value in carried.items() if _names_something(value)}
    others = {name: _without_carried(name, plain(value_of(cells, name))) for name in names if name not in CARRIED}
    return kept | {name: value for name, value in others.items() if name != OWN or value != {}}


def _names_something(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool) and not is_blank(str(value))


def _without_carried(name: str, value: Any) -> Any:
    """Return the value of a column; of the metadata that gnb wrote itself, what is not kept unasked."""
    if not isinstance(value, dict):
        return value
    return {key: item for key, item in value.items() if f"{name}.{key}" not in CARRIED}


def plain(value: Any) -> Any:
    """Return a value as JSON knows it: times and the like as text, no number as None."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
