"""The `jsonl` source: JSON objects, one a line or in an array."""

import json
from collections.abc import Iterator
from io import BufferedReader, TextIOWrapper
from typing import Any, BinaryIO, ClassVar, cast

from gnb.core.lines import is_blank
from gnb.core.options import Options
from gnb.core.records import Problem, Report
from gnb.sources.decoding import AUTO, Encoding, decode, misread, text_lines
from gnb.sources.json_values import parse_value, stream_values
from gnb.sources.pieces import Piece
from gnb.sources.tabular import Row, TableOptions, TableSource

_MARKS = b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n"


class JsonLinesOptions(TableOptions):
    """Options of the `jsonl` source."""

    encoding: Encoding = AUTO
    """Encoding: auto (the byte-order mark's, else UTF-8, else cp1256 where nothing else fits), utf-8, cp1256, ..."""


class JsonLinesSource(TableSource):
    r"""JSON objects, one a line; a file that holds one array is read item by item.

    A line ends at \n alone: U+2028 and the like may stand in texts. Control characters in texts stay.
    """

    options_model: ClassVar[type[Options]] = JsonLinesOptions
    endings: ClassVar[tuple[str, ...]] = ("jsonl", "ndjson", "json")
    options: JsonLinesOptions

    def rows(self, piece: Piece, report: Report) -> Iterator[Row]:
        """Yield the objects, each with its line, or with # and its number where they do not stand one a line."""
        by_line = _has_lines(piece.stream)
        with decode(piece.stream, self.options.encoding, newline="\n") as text:
            for found in (_from_lines if by_line else _from_stream)(text, piece.name):
                if isinstance(found, Problem):
                    report(found)
                elif isinstance(found[1], dict):
                    yield Row(*found)
                else:
                    kind = type(found[1]).__name__
                    report(Problem(f"{piece.name}:{found[0]}", f"holds a {kind}; expected a JSON object"))


def _has_lines(stream: BinaryIO) -> bool:
    """Tell whether the first line is a whole object; else the file is an array, or laid out for reading."""
    head = cast(BufferedReader, stream).peek()
    first, end, _ = head.lstrip(_MARKS).partition(b"\n")
    return not first.startswith(b"[") and (not end or first.rstrip(_MARKS).endswith(b"}"))


def _from_lines(text: TextIOWrapper, name: str) -> Iterator[tuple[int | str, Any] | Problem]:
    for number, line in enumerate(text_lines(text), start=1):
        if is_blank(line):
            continue
        if fault := misread(line, text.encoding):
            yield Problem(f"{name}:{number}", fault)
            continue
        try:
            yield number, parse_value(line.lstrip("\ufeff"))
        except ValueError as error:
            yield Problem(f"{name}:{number}", f"is not JSON ({error}); expected one object a line, or an array")


def _from_stream(text: TextIOWrapper, name: str) -> Iterator[tuple[int | str, Any] | Problem]:
    count = 0
    for found in stream_values(text, name):
        if isinstance(found, Problem):
            yield found
            continue
        count += 1
        line, value = found
        if fault := misread(json.dumps(value, ensure_ascii=False), text.encoding):
            yield Problem(f"{name}:{line}", fault)
        else:
            yield f"#{count}", value
