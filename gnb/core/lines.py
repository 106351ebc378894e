"""Reading text files line by line, as they really are: byte-order marks, CRLF, blank lines that are not empty."""

import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from gnb.core.errors import InputError

_BYTE_ORDER_MARK = "\ufeff"


class Line(NamedTuple):
    """One line of a file: its number, counted from 1, and its text without the line end."""

    number: int
    text: str


def read_lines(path: Path) -> Iterator[Line]:
    r"""Yield the lines of a UTF-8 file one by one; the file is never held whole.

    A line ends at \n, \r\n or \r alone, never at U+2028 and the like, which people paste into texts. The last line
    needs no line end. A byte-order mark is dropped at the start of any line: joined files carry it in their middle.

    Raises:
        InputError: if the file cannot be opened or is not UTF-8; the message names the line and the byte.
    """
    try:
        # surrogateescape carries a bad byte as far as its line, so that the message can name both.
        with path.open(encoding="utf-8", errors="surrogateescape") as file:
            for number, text in enumerate(file, start=1):
                _check_encoding(path, number, text)
                yield Line(number, text.removesuffix("\n").removeprefix(_BYTE_ORDER_MARK))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from None


def is_blank(text: str) -> bool:
    """Tell whether a text shows nothing: only white space and invisible characters such as half-spaces."""
    return all(character.isspace() or unicodedata.category(character) == "Cf" for character in text)


def _check_encoding(path: Path, number: int, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        byte = ord(text[error.start]) & 0xFF
        utf16 = number == 1 and error.start == 0 and byte in (0xFE, 0xFF)  # its byte-order mark
        raise InputError(
            f"{path}:{number}: is not UTF-8 text (byte 0x{byte:02X} after {error.start} characters of the line). Save "
            f"it as UTF-8, for example: iconv -f {'UTF-16' if utf16 else 'WINDOWS-1256'} -t UTF-8 OLD > NEW"
        ) from None
