"""The `text` source: plain text, a line or a paragraph a text."""

from collections.abc import Iterator
from itertools import groupby
from typing import ClassVar, Literal

from gnb.core.components import Source
from gnb.core.errors import InputError
from gnb.core.lines import is_blank
from gnb.core.options import Options
from gnb.core.records import Example, Problem, Report
from gnb.sources.decoding import AUTO, Encoding, decode, misread, text_lines
from gnb.sources.files import UserPath
from gnb.sources.packed import BrokenError
from gnb.sources.pieces import Piece, open_pieces

ENDINGS = ("txt",)


class TextOptions(Options):
    """Options of the `text` source."""

    path: UserPath
    """A file, one that is packed (gz, zip, 7z, tar), a folder, or a pattern such as `data/*.txt`."""
    unit: Literal["line", "paragraph"] = "line"
    """What one text is: a line, or the lines between two blank ones."""
    encoding: Encoding = AUTO
    """Encoding: auto (the byte-order mark's, else UTF-8, else cp1256 where nothing else fits), utf-8, cp1256, ..."""


class TextSource(Source):
    r"""Plain text without labels. A line ends at \n, \r\n or \r, never at U+2028 and the like, which stay in the text.

    Blank lines are passed over; all other lines stay as they are.
    """

    options_model: ClassVar[type[Options]] = TextOptions
    argument: ClassVar[str | None] = "path"
    options: TextOptions

    def read(self, report: Report) -> Iterator[Example]:
        """Yield the texts file by file; lines in another encoding than the rest are reported.

        Raises:
            InputError: if there is no such file, or no text in any.
        """
        empty, faults = True, list[Problem]()

        def note(problem: Problem) -> None:
            if not faults:
                faults.append(problem)
            report(problem)

        for piece in open_pieces(self.options.path, ENDINGS, note):
            for number, text in self._texts(piece, note):
                empty = False
                origin = f"{piece.label}:{number}"
                yield Example(origin, text, origin=origin)
        if empty:
            why = f" that can be read. {faults[0]}" if faults else ""
            raise InputError(f"{self.options.path}: holds no text{why}.")

    def _texts(self, piece: Piece, report: Report) -> Iterator[tuple[int, str]]:
        lines = self._lines(piece, report)
        if self.options.unit == "line":
            yield from ((number, line) for number, line in lines if not is_blank(line))
            return
        for blank, group in groupby(lines, key=lambda numbered: is_blank(numbered[1])):
            if not blank:
                [(number, first), *rest] = group
                yield number, "\n".join([first, *(line for _, line in rest)])

    def _lines(self, piece: Piece, report: Report) -> Iterator[tuple[int, str]]:
        """Yield the lines without their ends, those that cannot be read left out."""
        try:
            with decode(piece.stream, self.options.encoding, newline=None) as text:
                for number, line in enumerate(text_lines(text), start=1):
                    if fault := misread(line, text.encoding):
                        report(Problem(f"{piece.name}:{number}", fault))
                    else:
                        yield number, line.removesuffix("\n").removeprefix("\ufeff")
        except BrokenError as error:
            report(Problem(piece.name, f"{error}; what comes before that is read"))
