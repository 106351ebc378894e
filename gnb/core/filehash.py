"""Hashes of model folders, remembered by path, size and time, since a model can be many gigabytes."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from gnb.core.paths import cache_dir, write_cached


def hash_files(files: Iterable[Path]) -> str:
    """Return one hash (16 hexadecimal digits) of the names and contents of some files, whatever their order."""
    memo = _Memo(cache_dir() / "file-hashes.json")
    parts = sorted(f"{file.name} {memo.hash_of(file)}" for file in files)
    memo.save()
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


class _Memo:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.known: dict[str, str] = _read(path)
        self.changed = False

    def hash_of(self, file: Path) -> str:
        status = file.stat()
        key = f"{file.resolve()}:{status.st_size}:{status.st_mtime_ns}"
        if key not in self.known:
            with file.open("rb") as stream:
                self.known[key] = hashlib.file_digest(stream, "sha256").hexdigest()
            self.changed = True
        return self.known[key]

    def save(self) -> None:
        if self.changed:
            write_cached(self.path, json.dumps(self.known))


def _read(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
