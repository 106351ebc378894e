"""The `csv` source: tables as text, with a delimiter."""

import csv
from collections.abc import Iterator
from itertools import chain, islice
from typing import Annotated, ClassVar

from pydantic import AfterValidator

from gnb.core.lines import is_blank
from gnb.core.options import Options
from gnb.core.records import Problem, Report
from gnb.sources.decoding import AUTO, Encoding, decode, misread, text_lines
from gnb.sources.packed import BrokenError
from gnb.sources.pieces import Piece
from gnb.sources.tabular import Row, TableOptions, TableSource

_NAMED = {"comma": ",", "tab": "\t", "semicolon": ";", "pipe": "|"}
LONGEST_CELL = 2**20
"""Characters; a longer cell is a sign of a quotation mark that is never closed."""
_SNIFFED = 20


def _delimiter(name: str) -> str:
    name = _NAMED.get(name, name)
    if name != AUTO and (len(name) != 1 or name in '\r\n"'):
        raise ValueError(f"is no delimiter; name auto, {', '.join(_NAMED)} or one character")
    return name


class CsvOptions(TableOptions):
    """Options of the `csv` source."""

    delimiter: Annotated[str, AfterValidator(_delimiter)] = AUTO
    """Between the cells: auto, comma, tab, semicolon, pipe or any one character."""
    quoted: bool = True
    """Whether cells may stand in quotation marks, with line breaks and delimiters in them."""
    header: bool = True
    """Whether the first row names the columns; without, they are called 1, 2, 3 ..."""
    encoding: Encoding = AUTO
    """Encoding: auto (the byte-order mark's, else UTF-8, else cp1256 where nothing else fits), utf-8, cp1256, ..."""


class CsvSource(TableSource):
    """Tables with comma, tab, semicolon or another delimiter, as spreadsheets and scrapers write them.

    Cells are text and nothing else: no formula is ever read as one. Rows with more or fewer cells than the header,
    unclosed quotation marks, and lines in another encoding than the rest are reported.
    """

    options_model: ClassVar[type[Options]] = CsvOptions
    endings: ClassVar[tuple[str, ...]] = ("csv", "tsv")
    options: CsvOptions

    def rows(self, piece: Piece, report: Report) -> Iterator[Row]:
        """Yield the rows, each with the number of the line it begins in."""
        csv.field_size_limit(LONGEST_CELL)
        lines = _Lines(piece, self.options.encoding)
        records = self._records(piece, lines, report)
        names: list[str] | None = None
        for number, cells in records:
            if names is None:
                names = _names(cells) if self.options.header else [str(place) for place in range(1, len(cells) + 1)]
                if self.options.header:
                    continue
            while len(cells) > len(names) and not cells[-1]:
                cells.pop()  # spreadsheets fill up with empty ones
            if len(cells) == len(names):
                yield Row(number, dict(zip(names, cells, strict=True)))
            else:
                report(Problem(f"{piece.name}:{number}", f"{len(cells)} cells; expected {len(names)}"))

    def _records(self, piece: Piece, lines: "_Lines", report: Report) -> Iterator[tuple[int, list[str]]]:
        """Yield the cells of each record that can be read; blank lines are passed over."""
        reader = csv.reader(
            lines,
            delimiter=self._delimiter(lines),
            quoting=csv.QUOTE_MINIMAL if self.options.quoted else csv.QUOTE_NONE,
            strict=True,
        )
        while True:
            start = lines.number + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                report(Problem(f"{piece.name}:{start}", self._explain(error, lines.number)))
                continue
            if fault := lines.take_fault():
                report(Problem(f"{piece.name}:{fault[0]}", fault[1]))
            elif any(not is_blank(cell) for cell in cells):
                yield start, cells

    def _delimiter(self, lines: "_Lines") -> str:
        if self.options.delimiter != AUTO:
            return self.options.delimiter
        return sniff(lines.look(_SNIFFED))

    def _explain(self, error: csv.Error, end: int) -> str:
        hint = '; expected each " in a quoted cell doubled, or quoted=false' if self.options.quoted else ""
        return f"cannot be taken apart, up to line {end} ({error}){hint}"


class _Lines:
    """The lines of a file as the reader takes them: counted, and checked for their encoding."""

    def __init__(self, piece: Piece, encoding: str) -> None:
        text = decode(piece.stream, encoding, newline="")
        self.number = 0
        self._encoding = text.encoding
        self._lines: Iterator[str] = text_lines(text)
        self._fault: tuple[int, str] | None = None

    def look(self, count: int) -> list[str]:
        """Return the next lines without taking them."""
        head: list[str] = []
        try:
            for line in islice(self._lines, count):
                head.append(line)
        except BrokenError as error:
            self._lines = chain(head, _raise(error))
            return head
        self._lines = chain(head, self._lines)
        return head

    def take_fault(self) -> tuple[int, str] | None:
        """Return the first line since the last call that is not in the encoding, and what shows it."""
        fault, self._fault = self._fault, None
        return fault

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.number += 1
        if self._fault is None and (fault := misread(line, self._encoding)):
            self._fault = self.number, fault
        return line


def sniff(lines: list[str]) -> str:
    """Return the delimiter that cuts these lines into most cells, the same number in each of them if one does."""

    def quality(delimiter: str) -> tuple[bool, int]:
        try:
            widths = [len(cells) for cells in csv.reader(lines, delimiter=delimiter) if cells]
        except csv.Error:
            return False, 0
        whole = widths[:-1] if len(widths) > 2 else widths  # the last record may go on past these lines
        return len(set(whole)) == 1 and whole[0] > 1, max(widths[:1], default=0)

    return max(_NAMED.values(), key=quality)


def _names(cells: list[str]) -> list[str]:
    """Return the names of the columns; one without a name gets its number, those with the same name are told apart."""
    names = [cell.strip() or str(place) for place, cell in enumerate(cells, start=1)]
    return [f"{name} ({place})" if names.count(name) > 1 else name for place, name in enumerate(names, start=1)]


def _raise(error: Exception) -> Iterator[str]:
    raise error
    yield
