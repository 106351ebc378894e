"""Where a publication is written: it appears in one step, and never in place of what gnb did not write."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gnb.core.errors import SettingsError
from gnb.publishing.files import CHECKSUMS, RECORD, changed_files


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """Give a folder to write in; when the block ends well it becomes the target, else it is removed.

    Raises:
        SettingsError: if the target is a file or a mount point, holds what gnb did not write, cannot be written, or is
            being written by another process.
    """
    target = target.resolve()  # a link to a folder stays a link
    _check(target)
    work, old = (target.parent / f".{target.name}.gnb-{state}" for state in ("publishing", "replaced"))  # only ours
    with _lock(work, target):
        try:
            _empty(work)  # of what a run that was killed left
            _settle(target, old)
            yield work
            if target.exists():
                target.rename(old)
            work.rename(target)
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)  # not when all went well: the name may be another one's by then
            raise
        finally:
            _settle(target, old)


@contextmanager
def _lock(work: Path, target: Path) -> Iterator[None]:
    """Make the folder to write in, and hold it: the system lets go of it with the process, however that ends."""
    try:
        work.mkdir(parents=True, exist_ok=True)
        handle = os.open(work, os.O_RDONLY)
    except OSError as error:
        raise SettingsError(f"--to {target}: cannot be written ({error.strerror}).") from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            mine = work.exists() and os.path.samestat(os.fstat(handle), work.stat())  # not one just moved away
        except BlockingIOError:
            mine = False
        if not mine:
            raise SettingsError(f"--to {target}: another gnb publish is writing it; wait for that, or name another.")
        yield
    finally:
        os.close(handle)


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _settle(target: Path, old: Path) -> None:
    """Remove what was replaced; it comes back if nothing took its place."""
    if old.exists() and not target.exists():
        old.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def _check(target: Path) -> None:
    if not target.exists():
        return
    if not target.is_dir():
        raise SettingsError(f"--to {target}: is a file; name a folder.")
    if target.is_mount():
        raise SettingsError(f"--to {target}: is a mount point, which cannot be replaced; name a folder in it.")
    if not any(target.iterdir()):
        return
    if not ((target / CHECKSUMS).is_file() and (target / RECORD).is_file()):
        raise SettingsError(f"--to {target}: holds other files; name an empty folder or one that gnb publish wrote.")
    if changed := list(changed_files(target)):
        names = ", ".join(changed[:3])
        raise SettingsError(f"--to {target}: {names} changed since gnb publish wrote it; move it away first.")
