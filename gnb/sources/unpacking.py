"""Unpacks members of a 7z archive into one file, in one pass, whatever names the archive gives them."""

from collections.abc import Sequence
from typing import IO

import py7zr
from py7zr.exceptions import ArchiveError
from py7zr.io import MemIO, Py7zIO, WriterFactory
from py7zr.py7zr import ArchiveFile

from gnb.sources.packed import FAULTS


def unpack(
    archive: py7zr.SevenZipFile, members: Sequence[ArchiveFile], target: IO[bytes]
) -> dict[int, tuple[int, int] | str]:
    """Write the data of members that are not empty to a file, each block of the archive once.

    Members are told apart by their number: names may stand there twice.

    Returns:
        Where each member starts in the file and ends, by its number; or what is wrong with its block.
    """
    writers = _Writers(target)
    faults: dict[int, str] = {}
    left = list(members)
    while left:
        fault = "its data is missing"
        try:
            _extract(archive, left, writers)
        except (ArchiveError, *FAULTS) as error:
            fault = str(error)
        left = [each for each in left if each.id not in writers.whole]
        faults |= {each.id: fault for each in left if each.folder is left[0].folder}  # the block that stopped it
        left = [each for each in left if each.id not in faults]
    return {**writers.whole, **faults}


def _extract(archive: py7zr.SevenZipFile, members: Sequence[ArchiveFile], writers: "_Writers") -> None:
    archive.reset()
    wanted = {each.id for each in members}
    for each in archive.files:
        place = MemIO(str(each.id), writers) if each.id in wanted else None
        archive.worker.register_filelike(each.id, place)
    archive.worker.extract(archive.fp, None, parallel=False)


class _Writers(WriterFactory):
    """Gives py7zr the one file for all that it unpacks, and notes which members are whole, by their number."""

    def __init__(self, target: IO[bytes]) -> None:
        self.target = target
        self.whole: dict[int, tuple[int, int]] = {}

    def create(self, filename: str) -> Py7zIO:
        return _Writer(self, int(filename))


class _Writer(Py7zIO):
    """A part of the file as py7zr wants it; it only ever writes. py7zr closes it if the checksum is right."""

    def __init__(self, writers: _Writers, number: int) -> None:
        self._writers = writers
        self._number = number
        self._start = writers.target.tell()

    def write(self, s: bytes | bytearray) -> int:
        return self._writers.target.write(s)

    def read(self, size: int | None = None) -> bytes:
        return b""

    def seek(self, offset: int, whence: int = 0) -> int:
        return 0

    def flush(self) -> None:
        self._writers.target.flush()

    def size(self) -> int:
        return self._writers.target.tell() - self._start

    def close(self) -> None:
        self._writers.whole[self._number] = (self._start, self._writers.target.tell())
