"""Unpacks a member of a 7z archive into a file, whatever name the archive gives it."""

from typing import IO

import py7zr
from py7zr.io import Py7zIO, WriterFactory


def unpack(archive: py7zr.SevenZipFile, name: str, target: IO[bytes]) -> None:
    """Write the data of one member to a file, and go back to its start.

    Raises:
        ArchiveError, EOFError, OSError, LZMAError: if the archive is damaged, as py7zr finds it.
    """
    archive.reset()
    archive.extract(targets=[name], factory=_Writers(target))
    target.seek(0)


class _Writers(WriterFactory):
    """Gives py7zr the one file for all that it unpacks."""

    def __init__(self, target: IO[bytes]) -> None:
        self._target = target

    def create(self, filename: str) -> Py7zIO:
        return _Writer(self._target)


class _Writer(Py7zIO):
    """A file as py7zr wants it; it only ever writes."""

    def __init__(self, target: IO[bytes]) -> None:
        self._target = target

    def write(self, s: bytes | bytearray) -> int:
        return self._target.write(s)

    def read(self, size: int | None = None) -> bytes:
        return b""

    def seek(self, offset: int, whence: int = 0) -> int:
        return 0

    def flush(self) -> None:
        self._target.flush()

    def size(self) -> int:
        return self._target.tell()
