"""Packed data read as streams: guarded against damage, and against files that unpack to far more than they are."""

import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Buffer
from typing import BinaryIO

FREE = 256 * 2**20
"""Bytes that any archive may unpack to."""
RATIO = 200
"""Past `FREE` bytes, how many times its own size an archive may unpack to; text shrinks to a tenth or so."""
_BLOCK = 2**16
FAULTS = (EOFError, OSError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError, NotImplementedError)
"""What decompressors raise on damaged data."""


class BrokenError(Exception):
    """Data that ends or stops making sense in the middle; the message says how. What came before it is good."""


class Budget:
    """What one archive may still unpack to, all of its members together."""

    def __init__(self, packed: int) -> None:
        """Begin with an archive of so many bytes."""
        self.left = max(FREE, RATIO * packed)

    def spend(self, size: int) -> None:
        """Count unpacked bytes.

        Raises:
            BrokenError: if there are too many.
        """
        self.left -= size
        if self.left < 0:
            raise BrokenError(f"unpacks to more than {RATIO} times its size, as nothing but a trap does")


class _Guarded(io.RawIOBase):
    """A stream of a decompressor. What it gave before it failed is passed on first."""

    def __init__(self, stream: BinaryIO, budget: Budget | None) -> None:
        self._stream = stream
        self._budget = budget
        self._fault: BrokenError | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        view = memoryview(buffer)
        filled = 0
        while filled < len(view) and self._fault is None and (part := self._read(len(view) - filled)):
            view[filled : filled + len(part)] = part
            filled += len(part)
        if self._fault is not None and not filled:
            raise self._fault
        if self._budget:
            self._budget.spend(filled)
        return filled

    def close(self) -> None:
        self._stream.close()
        super().close()

    def _read(self, size: int) -> bytes:
        try:
            return bytes(self._stream.read1(size))  # type: ignore[attr-defined]
        except BrokenError as error:  # of a guard below this one
            self._fault = error
            return b""
        except FAULTS as error:
            self._fault = BrokenError(f"is damaged or cut off ({str(error).strip('.')})")
            return b""


def guard(stream: BinaryIO, budget: Budget | None = None) -> io.BufferedReader:
    """Wrap the stream of a decompressor, so that reading it raises nothing but BrokenError; a budget bounds it."""
    return io.BufferedReader(_Guarded(stream, budget), _BLOCK)
