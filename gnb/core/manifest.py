"""The manifest of a prepared dataset: what went in, what came out, and what made it. No times: reruns are identical."""

import hashlib
import json
import os
import platform
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gnb.core.checksums import changed_files

MANIFEST = "manifest.json"
_LIBRARIES = ("gnb", "hazm", "numpy", "py7zr", "pyarrow", "rapidfuzz", "regex")


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that the output depends on."""
    return {"python": platform.python_version(), **{name: version(name) for name in _LIBRARIES}}


def describe_files(folder: Path, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return size and SHA-256 of some files, by name; each is on the disk for good when this returns."""
    return {name: _describe(folder / name) for name in names}


def write_manifest(folder: Path, record: dict[str, Any]) -> None:
    """Write the manifest into a folder."""
    text = json.dumps(record, ensure_ascii=False, indent=2) + "\n"
    (folder / MANIFEST).write_text(text, "utf-8", newline="\n")


def is_manifest(path: Path) -> bool:
    """Tell whether a file is a manifest that gnb wrote."""
    return bool(_read(path))


def changed_since(folder: Path) -> Iterator[str]:
    """Return the files of a prepared dataset that are not as its manifest says, or that this does not name."""
    files = _read(folder / MANIFEST).get("files")
    entries = files.items() if isinstance(files, dict) else ()
    known = {name: str(entry.get("sha256")) for name, entry in entries if isinstance(entry, dict)}
    return changed_files(folder, known, MANIFEST)


def _read(path: Path) -> dict[str, Any]:
    """Return a manifest that gnb wrote; nothing if the file is none."""
    try:
        record = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) and {"versions", "counts", "files"} <= record.keys() else {}


def _describe(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        os.fsync(file.fileno())
        return {"bytes": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}
