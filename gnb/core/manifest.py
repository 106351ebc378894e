"""The manifest of a prepared dataset: what went in, what came out, and what made it. No times: reruns are identical."""

import hashlib
import json
import os
import platform
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

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
    try:
        record = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(record, dict) and {"versions", "counts", "files"} <= record.keys()


def _describe(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        os.fsync(file.fileno())
        return {"bytes": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}
