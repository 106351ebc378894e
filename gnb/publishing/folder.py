"""Where a publication is written: it appears in one step, and never in place of what gnb did not write."""

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
        SettingsError: if the target is a file, holds what gnb did not write, or cannot be written.
    """
    target = target.resolve()  # a link to a folder stays a link
    _check(target)
    work, old = (target.parent / f".{target.name}.{state}" for state in ("publishing", "old"))
    try:
        _clear(target, work, old)  # what a run that was killed left
        work.mkdir(parents=True)
    except OSError as error:
        raise SettingsError(f"--to {target}: cannot be written ({error.strerror}).") from None
    try:
        yield work
        if target.exists():
            target.rename(old)
        work.rename(target)
    finally:
        _clear(target, work, old)


def _clear(target: Path, work: Path, old: Path) -> None:
    """Remove what is unfinished or replaced; what was to be replaced comes back if nothing took its place."""
    if old.exists() and not target.exists():
        old.rename(target)
    for folder in (work, old):
        shutil.rmtree(folder, ignore_errors=True)


def _check(target: Path) -> None:
    if not target.exists():
        return
    if not target.is_dir():
        raise SettingsError(f"--to {target}: is a file; name a folder.")
    if not any(target.iterdir()):
        return
    if not ((target / CHECKSUMS).is_file() and (target / RECORD).is_file()):
        raise SettingsError(f"--to {target}: holds other files; name an empty folder or one that gnb publish wrote.")
    if changed := list(changed_files(target)):
        names = ", ".join(changed[:3])
        raise SettingsError(f"--to {target}: {names} changed since gnb publish wrote it; move it away first.")
