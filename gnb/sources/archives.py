"""The members of zip, 7z and tar archives as streams. No name in an archive ever becomes a path on this disk."""

import io
import stat
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from itertools import accumulate
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, Any, BinaryIO, cast

from gnb.core.errors import InputError
from gnb.sources.packed import FAULTS, BrokenError, Budget, guard

Members = Iterator[tuple[str, BinaryIO | str]]
"""The name of each wanted member, with its stream or with the reason why it is not read."""
Wanted = Callable[[str], bool]

_BLOCK = 2**20
_UNSAFE = "has a name that leads out of the archive; expected a relative one without '..'"
_LINK = "is a link; expected a file"
_ENCRYPTED = "is encrypted; expected a file that can be read without a password"


def zip_members(path: Path, wanted: Wanted, budget: Budget) -> Members:
    """Yield the wanted members of a zip archive, in the order of the archive.

    Raises:
        InputError: if the archive is damaged or cut off: its table of contents stands at the end.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (*FAULTS, ValueError) as error:
        raise _unreadable(path, "zip", error) from None
    with archive:
        for info in archive.infolist():
            if info.is_dir() or not wanted(info.filename):
                continue
            if refusal := _refusal(info.filename, link=stat.S_ISLNK(info.external_attr >> 16)):
                yield info.filename, refusal
            elif info.flag_bits & 1:
                yield info.filename, _ENCRYPTED
            else:
                yield from _zip_member(archive, info, budget)


def tar_members(stream: BinaryIO, wanted: Wanted) -> Members:
    """Yield the wanted members of an unpacked tar archive, each to be read before the next one is asked for.

    Raises:
        BrokenError: if the archive is damaged or cut off.
    """
    try:
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for info in archive:
                if info.isdir() or not wanted(info.name):
                    continue
                if refusal := _refusal(info.name, link=not info.isreg()):
                    yield info.name, refusal
                elif (member := archive.extractfile(info)) is not None:
                    yield info.name, cast(BinaryIO, guard(cast(BinaryIO, member)))
    except tarfile.TarError as error:
        raise BrokenError(f"is damaged or cut off ({error})") from None


def seven_zip_members(path: Path, wanted: Wanted, budget: Budget) -> Members:
    """Yield the wanted members of a 7z archive, all unpacked at once, into temporary files without a name.

    Raises:
        InputError: if the archive is encrypted, damaged or cut off: its table of contents stands at the end.
        BrokenError: if it unpacks to too much.
    """
    import py7zr
    from py7zr.exceptions import ArchiveError, PasswordRequired

    try:
        with py7zr.SevenZipFile(path) as archive:
            if archive.needs_password():
                raise InputError(f"{path}: {_ENCRYPTED}.")
            yield from _seven_zip_members(archive, wanted, budget)
    except PasswordRequired:
        raise InputError(f"{path}: {_ENCRYPTED}.") from None
    except (ArchiveError, *FAULTS) as error:
        raise _unreadable(path, "7z", error) from None


def _zip_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, budget: Budget) -> Members:
    try:
        member = archive.open(info)
    except FAULTS as error:
        yield info.filename, f"is damaged ({error}); expected a whole archive"
        return
    with member:
        yield info.filename, cast(BinaryIO, guard(cast(BinaryIO, member), budget))


def _seven_zip_members(archive: Any, wanted: Wanted, budget: Budget) -> Members:
    from gnb.sources.unpacking import unpack

    members = []
    for info in archive.files:
        if info.is_directory or not wanted(info.filename):
            continue
        if refusal := _refusal(info.filename, link=info.is_symlink or info.is_junction):
            yield info.filename, refusal
        else:
            members.append(info)
    sums = accumulate(info.uncompressed for info in members)  # py7zr never writes more than the archive announces
    safe = [info for info, total in zip(members, sums, strict=True) if total <= budget.left and not info.emptystream]
    with tempfile.TemporaryFile(prefix="gnb-") as file:
        places = unpack(archive, safe, file)
        for info in members:
            budget.spend(info.uncompressed)
            place = places.get(info.id, (0, 0))
            if isinstance(place, str):
                yield info.filename, f"is damaged ({place}); expected a whole archive"
                continue
            with _part(file, *place) as stream:
                yield info.filename, stream


def _part(file: IO[bytes], start: int, end: int) -> BinaryIO:
    """Copy a part of a file into a temporary file of its own, which has no name."""
    part = tempfile.TemporaryFile(prefix="gnb-")  # noqa: SIM115, closed by who reads it
    file.seek(start)
    for place in range(start, end, _BLOCK):
        part.write(file.read(min(_BLOCK, end - place)))
    part.seek(0)
    return io.BufferedReader(part.detach())


def _refusal(name: str, *, link: bool) -> str:
    if link:
        return _LINK
    paths = PurePosixPath(name.replace("\\", "/")), PureWindowsPath(name)
    if ".." in paths[0].parts or paths[0].is_absolute() or paths[1].drive or paths[1].root:
        return _UNSAFE
    return ""


def _unreadable(path: Path, kind: str, error: Exception) -> InputError:
    return InputError(f"{path}: cannot be read as a {kind} archive: it is damaged or cut off ({error}).")
