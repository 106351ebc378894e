"""JSON values one after the other out of a stream: those of an array, of lines, or simply in a row."""

import io
import json
from collections.abc import Iterator
from typing import Any

from gnb.core.records import Problem
from gnb.sources.packed import BrokenError

_BLOCK = 2**16
LARGEST = 2**26
"""Characters; a larger value is not read."""
_SEPARATORS = " \t\r\n,"
_DECODER = json.JSONDecoder(strict=False)


def parse_value(line: str) -> Any:
    """Parse one JSON value; control characters in texts are taken as they are.

    Raises:
        ValueError: if it is none; the message says what was found.
    """
    try:
        return json.loads(line, strict=False)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def stream_values(text: io.TextIOWrapper, name: str) -> Iterator[tuple[int, Any] | Problem]:
    """Yield each value with the line that it begins in, or a Problem. The file is never held whole.

    A file that begins with `[` is taken as one array, and its items are yielded; what is no JSON is passed over to the
    next line.

    Args:
        text: what to read; it may hold values a line, an array, or values in any layout.
        name: of the file, for the problems.

    Raises:
        BrokenError: if the bytes cannot be read on, or the last value is cut off.
    """
    window = _Window(text)
    in_array = window.skip(" \t\r\n\ufeff") == "["
    if in_array:
        window.take(1)
    while (first := window.skip(_SEPARATORS)) and not (in_array and first == "]"):
        line = window.line
        try:
            yield line, window.value()
        except ValueError as error:
            yield Problem(f"{name}:{line}", f"is not JSON ({error}); expected one value a line, or an array")
            window.skip_line()
    if in_array and not first:
        raise BrokenError("ends within its array")


class _Window:
    """The part of a stream that is looked at.

    Attributes:
        line: the number of the line that it begins in.
    """

    def __init__(self, text: io.TextIOWrapper) -> None:
        self.line = 1
        self._text = text
        self._buffer = ""
        self._start = 0

    def skip(self, letters: str) -> str:
        """Pass over these letters, and return the next one without taking it; an empty string at the end."""
        while True:
            while self._start < len(self._buffer) and self._buffer[self._start] in letters:
                self.take(1)
            if self._start < len(self._buffer):
                return self._buffer[self._start]
            if not self._more():
                return ""

    def take(self, count: int) -> None:
        """Pass over some letters."""
        self.line += self._buffer.count("\n", self._start, self._start + count)
        self._start += count

    def skip_line(self) -> None:
        """Pass over the rest of the line."""
        while (end := self._buffer.find("\n", self._start)) < 0:
            self._start = len(self._buffer)
            if not self._more():
                return
        self.take(end + 1 - self._start)

    def value(self) -> Any:
        """Take one value.

        Raises:
            ValueError: if there is none here.
            BrokenError: if it is cut off, or too large.
        """
        while True:
            try:
                value, end = _DECODER.raw_decode(self._buffer, self._start)
            except RecursionError:
                raise ValueError("it is nested too deeply") from None
            except json.JSONDecodeError as error:
                if not self._is_cut(error):
                    raise ValueError(f"{error.msg} after {error.pos - self._start} characters") from None
            else:
                if end < len(self._buffer) or not self._more():  # a number might go on
                    self.take(end - self._start)
                    return value
                continue
            if len(self._buffer) - self._start > LARGEST:
                raise BrokenError(f"holds a value of more than {LARGEST:,} characters")
            if not self._more():
                raise BrokenError(f"is cut off in the value that begins in line {self.line}")

    def _is_cut(self, error: json.JSONDecodeError) -> bool:
        """Tell whether more text might mend it: it ends in a string, or just before what was expected."""
        return error.msg.startswith("Unterminated string") or error.pos > len(self._buffer) - 12

    def _more(self) -> bool:
        """Read on, at least as much as there is, so that a long value is not parsed from its start too often."""
        try:
            block = self._text.read(max(_BLOCK, len(self._buffer) - self._start))
        except UnicodeDecodeError as error:
            raise BrokenError(f"is not {self._text.encoding} text or is cut off ({error.reason})") from None
        self._buffer = self._buffer[self._start :] + block
        self._start = 0
        return bool(block)
