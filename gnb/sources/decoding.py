"""Bytes into text, without ever guessing: what is not surely in an encoding is reported, not garbled."""

import codecs
import io
import re
from collections.abc import Iterator
from typing import Annotated, BinaryIO, cast

from pydantic import AfterValidator

from gnb.core.errors import InputError
from gnb.core.streams import arriving_lines
from gnb.sources.packed import BrokenError

AUTO = "auto"
_CHUNK = 2**16
"""Characters of lines handed on at once."""
LONGEST_LINE = 2**26
"""Characters; a longer line is a sign of something else than lines."""
_SINGLE_BYTE = "cp1256"
_BYTE = re.compile("[\udc80-\udcff]")
"""How Python's `surrogateescape` writes a byte that is not UTF-8."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # it begins as UTF-16's does
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def _known(name: str) -> str:
    if name == AUTO:
        return name
    try:
        return codecs.lookup(name).name
    except LookupError:
        raise ValueError("is no encoding; name auto, utf-8, utf-16, cp1256 or another that Python knows") from None


Encoding = Annotated[str, AfterValidator(_known)]
"""The name of an encoding, or "auto": by its byte-order mark, else UTF-8, else cp1256 where nothing else fits."""


def decode(stream: BinaryIO, encoding: str, newline: str | None) -> io.TextIOWrapper:
    r"""Return a stream of text. Bytes that are not UTF-8 come through as lone surrogates, for `misread` to find.

    Args:
        stream: the bytes, with a `peek`.
        encoding: its name, or "auto".
        newline: as in `open`: None and "" know all line ends, and "" keeps them as they are; "\n" knows no other.
    """
    if encoding == AUTO:
        encoding = detect(cast(io.BufferedReader, stream).peek())
    errors = "surrogateescape" if encoding.startswith("utf-8") else "strict"
    return io.TextIOWrapper(cast(io.BufferedReader, stream), encoding=encoding, errors=errors, newline=newline)


def detect(head: bytes) -> str:
    """Return the encoding that the first bytes of a file are in; "utf-8" unless they show another one surely."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    for offset, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        high = head[offset::2]  # of Persian and Latin text nearly all high bytes are 6 and 0
        if len(high) > 8 and sum(byte in (0, 6) for byte in high) > 0.9 * len(high):
            return encoding
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return _SINGLE_BYTE if _is_surely_cp1256(head) else "utf-8"
    return "utf-8"


def misread(text: str, encoding: str) -> str:
    """Return what in a text shows that it is not in that encoding, an empty string if nothing does."""
    if text.isascii():
        return ""
    if encoding.startswith("utf-8"):
        if not (bad := _BYTE.search(text)):
            return ""
        return (
            f"is not UTF-8 (byte 0x{ord(bad[0]) & 0xFF:02X} after {bad.start()} characters); if it all is in another "
            "encoding, name that, such as encoding=cp1256"
        )
    try:
        again = text.encode(encoding).decode("utf-8")
    except UnicodeError:
        return ""
    # Two bytes may look like UTF-8 by chance, a word of them does not.
    letters = sum("\u0600" <= letter <= "\u06ff" for letter in again)
    return f"is UTF-8 in a file of {encoding}: {again.strip()[:40]!r}" if letters >= 3 else ""


def text_lines(text: io.TextIOWrapper) -> Iterator[str]:
    """Yield the lines with their ends.

    Raises:
        BrokenError: if a line never ends, or the bytes are not in the encoding.
    """
    try:
        while line := text.readline(LONGEST_LINE):
            if len(line) == LONGEST_LINE and line[-1] not in "\r\n":
                raise BrokenError(f"has a line of more than {LONGEST_LINE:,} characters")
            yield line
    except UnicodeDecodeError as error:
        found = f"byte 0x{error.object[error.start]:02X}: {error.reason}"
        raise BrokenError(f"is not {text.encoding} text or is cut off ({found})") from None


def file_lines(stream: io.BufferedReader, name: str) -> Iterator[list[str]]:
    r"""Yield the lines of a file in whatever encoding it is found to be, as `arriving_lines` does those of UTF-8.

    Raises:
        InputError: at a line that is not in that encoding, after the lines before it; the message names it.
    """
    if detect(stream.peek()).startswith("utf-8"):
        yield from arriving_lines(stream, name)
        return
    number = 0
    try:
        with decode(stream, AUTO, newline="\n") as text:
            while lines := text.readlines(_CHUNK):
                faults = ((place, fault) for place, line in enumerate(lines) if (fault := misread(line, text.encoding)))
                place, fault = next(faults, (len(lines), ""))
                yield [line.removesuffix("\n").removesuffix("\r") for line in lines[:place]]
                if fault:
                    raise InputError(f"{name}, line {number + place + 1}: {fault}.")
                number += len(lines)
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: is not {error.encoding} text or is cut off ({error.reason}).") from None


def _is_surely_cp1256(head: bytes) -> bool:
    """Tell whether the bytes make Persian or Arabic words in cp1256, all of them, and in no line UTF-8."""
    others = [letter for letter in head.decode(_SINGLE_BYTE) if not letter.isascii()]
    arabic = sum("\u0600" <= letter <= "\u06ff" or letter in "\u200c\u200d«»…" for letter in others)
    if len(others) < 20 or arabic < 0.97 * len(others):
        return False
    return not any(misread(line.decode(_SINGLE_BYTE), _SINGLE_BYTE) for line in head.splitlines())
