"""Finds what a user's path names: files, folders, patterns, compressed files and the members of archives."""

import glob
import gzip
from collections.abc import Iterator, Sequence
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from gnb.core.errors import InputError
from gnb.core.records import Problem, Report
from gnb.sources.archives import Members, seven_zip_members, tar_members, zip_members
from gnb.sources.files import find_files
from gnb.sources.packed import BrokenError, Budget, guard

_BLOCK = 2**16
_GZIP, _ZIP, _SEVEN_ZIP, _TAR = b"\x1f\x8b", b"PK\x03\x04", b"7z\xbc\xaf\x27\x1c", b"ustar"


class Piece(NamedTuple):
    """One stream of data.

    Attributes:
        name: its path, as messages show it; that of a member of an archive is ARCHIVE/MEMBER.
        label: the short form that ids begin with.
        stream: its bytes, decompressed. Reading it may raise BrokenError.
    """

    name: str
    label: str
    stream: BinaryIO


def open_pieces(path: Path, endings: Sequence[str], report: Report) -> Iterator[Piece]:
    """Yield the data that a path names, one piece open at a time, in natural order of the names.

    Nothing is unpacked to disk but members of 7z archives, into a temporary file without a name. Members with an
    unsafe name, links, encrypted and damaged ones are reported. What a file is shows in its first bytes.

    Args:
        path: a file of any name, an archive, a folder, or a pattern such as `data/*.csv`.
        endings: which files of a folder and which members of an archive are read, without dots.
        report: told of members that cannot be read.

    Raises:
        InputError: if there is no such file, or it cannot be read.
    """
    files, base = _find(path, endings)
    for file in files:
        label = file.relative_to(base).as_posix()
        try:
            with file.open("rb", buffering=_BLOCK) as stream:
                yield from _open(Piece(str(file), label, stream), file, endings, report)
        except OSError as error:
            raise InputError(f"{file}: cannot be read ({error.strerror or error}).") from None


def _find(path: Path, endings: Sequence[str]) -> tuple[list[Path], Path]:
    """Return the files and the folder that their labels are relative to."""
    if path.is_dir():
        patterns = [f"*.{ending}{packed}" for ending in endings for packed in ("", ".gz")]
        return find_files(path, patterns), path
    if path.exists() or not glob.has_magic(str(path)):
        return [path], path.parent
    found = sorted(Path(name) for name in glob.glob(str(path), recursive=True) if Path(name).is_file())
    if not found:
        raise InputError(f"{path}: no file matches this pattern.")
    parents = [set(file.parents) for file in found]
    return found, max(set.intersection(*parents), key=lambda parent: len(parent.parts))


def _open(piece: Piece, file: Path, endings: Sequence[str], report: Report) -> Iterator[Piece]:
    """Yield what a file holds: itself, or what is packed in it."""
    choice = _Choice(endings)
    budget = Budget(file.stat().st_size)
    members = _members(piece.stream, file, choice, budget)
    if members is None:
        yield _unzipped(piece, budget)
        return
    try:
        for name, found in members:
            inner = f"{piece.name}/{name}"
            if isinstance(found, str):
                report(Problem(inner, found))
            else:
                yield _unzipped(Piece(inner, f"{piece.label}/{name}", found), budget)
    except BrokenError as error:
        report(Problem(piece.name, f"the archive {error}; expected a whole one"))
    if not choice.found:
        held = f"it holds {', '.join(choice.others) or 'nothing'}"
        raise InputError(f"{piece.name}: no file in this archive ends in {' or '.join(endings)}; {held}.")


class _Choice:
    """Which members are read, by their ending; notes whether there are any, and the first names of others."""

    def __init__(self, endings: Sequence[str]) -> None:
        self.found = False
        self.others: list[str] = []
        self._endings = tuple(f".{ending}{packed}" for ending in endings for packed in ("", ".gz"))

    def __call__(self, name: str) -> bool:
        if name.lower().endswith(self._endings):
            self.found = True
            return True
        if len(self.others) < 5:
            self.others.append(name)
        return False


def _members(stream: BinaryIO, file: Path, wanted: _Choice, budget: Budget) -> Members | None:
    """Return the members of an archive, None if the file is none."""
    head = _peek(stream)
    if head.startswith(_ZIP):
        return zip_members(file, wanted, budget)
    if head.startswith(_SEVEN_ZIP):
        return seven_zip_members(file, wanted, budget)
    if head.startswith(_GZIP):
        with gzip.open(file) as unzipped:  # a look into it; what is damaged shows when it is read
            head = _peek(guard(cast(BinaryIO, unzipped)))
        if head[257:262] == _TAR:
            return tar_members(guard(cast(BinaryIO, gzip.GzipFile(fileobj=stream)), budget), wanted)
        return None
    return tar_members(stream, wanted) if head[257:262] == _TAR else None


def _unzipped(piece: Piece, budget: Budget) -> Piece:
    if not _peek(piece.stream).startswith(_GZIP):
        return piece
    stream = guard(cast(BinaryIO, gzip.GzipFile(fileobj=piece.stream)), budget)
    return Piece(piece.name, piece.label.removesuffix(".gz"), cast(BinaryIO, stream))


def _peek(stream: BinaryIO) -> bytes:
    try:
        return bytes(cast(BufferedReader, stream).peek(512))
    except BrokenError:
        return b""  # reading it will tell
