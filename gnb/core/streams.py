"""Lines from a stream as they arrive: what is there is handed on, and nobody waits for a full block."""

import re
from collections.abc import Iterator
from typing import Protocol

from gnb.core.errors import InputError

_CHUNK = 1 << 16
"""Bytes read at once; what a pipe holds. Some hundred lines, enough for a rewriter to sort into even batches."""


_BINARY = re.compile(rb"[\0-\x06]")
"""Bytes that stand in no text. Files of Word, PDF files, archives and pictures begin with them or soon have some."""


class ByteStream(Protocol):
    """A binary stream such as `sys.stdin.buffer`."""

    def read1(self, size: int, /) -> bytes:
        """Return up to `size` bytes that are there, waiting only if there are none; empty at the end."""
        ...


def arriving_lines(stream: ByteStream, name: str) -> Iterator[list[str]]:
    r"""Yield the lines that have arrived, one list after the other, without their ends \n or \r\n.

    A byte-order mark at the start is dropped. The last line needs no end.

    Args:
        stream: where the lines come from.
        name: what to call it in messages.

    Raises:
        InputError: at a line that is not UTF-8, after the lines before it; the message names it.
    """
    number = 0
    waiting: list[bytes] = []
    head = b""
    while chunk := stream.read1(_CHUNK):
        head = head or chunk
        waiting.append(chunk)
        if b"\n" not in chunk:
            continue
        *lines, rest = b"".join(waiting).split(b"\n")
        waiting = [rest]
        yield from _decoded(lines, name, number, head)
        number += len(lines)
    if rest := b"".join(waiting):
        yield from _decoded([rest], name, number, head)


def _decoded(lines: list[bytes], name: str, number: int, head: bytes) -> Iterator[list[str]]:
    texts: list[str] = []
    try:
        for line in lines:
            texts.append(line.removesuffix(b"\r").decode("utf-8-sig" if number + len(texts) == 0 else "utf-8"))
    except UnicodeDecodeError as error:
        yield texts
        utf16 = number + len(texts) == 0 and error.object.startswith((b"\xff\xfe", b"\xfe\xff"))  # its mark
        if _BINARY.search(head) and not utf16:
            raise InputError(
                f"{name}: is no text file. Save or export what it says as plain text in UTF-8, and give that."
            ) from None
        advice = "such a file: iconv -f UTF-16" if utf16 else "old Windows files: iconv -f WINDOWS-1256"
        raise InputError(
            f"{name}, line {number + len(texts) + 1}: is not UTF-8 text (byte 0x{error.object[error.start]:02X} at"
            f" place {error.start + 1}). For {advice} -t UTF-8 OLD > NEW"
        ) from None
    if texts:
        yield texts
