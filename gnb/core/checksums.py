"""Checksums of a folder's files: what changed in it since they were taken."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def files_in(folder: Path) -> list[str]:
    """Return the paths of all files below a folder, sorted."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())


def changed_files(folder: Path, known: Mapping[str, str], aside: str) -> Iterator[str]:
    """Yield the files below a folder that are not as they were, new ones included.

    Args:
        folder: the folder.
        known: the checksums as they were, by path.
        aside: the file that carries these, which has none.
    """
    for name in files_in(folder):
        if name != aside and not ((folder / name).is_file() and known.get(name) == sha256_of(folder / name)):
            yield name
