"""Files of the labelling tools: read whole, written whole; each fault is one clear line."""

import json
from pathlib import Path
from typing import Any

from gnb.core.appearing import appearing
from gnb.core.errors import InputError, SettingsError


def read_text(path: Path) -> str:
    """Return a UTF-8 file without its byte-order mark.

    Raises:
        InputError: if it cannot be read or is not UTF-8; the message names line and byte.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path}:{line}: is not UTF-8 text (byte 0x{data[error.start]:02X}). Save it as UTF-8 "
            "(in Excel: CSV UTF-8)."
        ) from None


def read_json(path: Path) -> Any:
    """Return what a JSON file holds.

    Raises:
        InputError: if it cannot be read or is not JSON.
    """
    try:
        return json.loads(read_text(path))
    except RecursionError:
        raise InputError(f"{path}: is nested too deeply to be an export of a labelling tool.") from None
    except json.JSONDecodeError as error:
        raise InputError(f"{path}:{error.lineno}: is not JSON ({error.msg}).") from None


def write_text(path: Path, text: str, encoding: str = "utf-8") -> None:
    """Write a file and the folders above it; it appears when it is complete.

    Raises:
        SettingsError: if it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with appearing(path, encoding, newline="") as file:
            file.write(text)
    except OSError as error:
        raise SettingsError(f"--to {path}: cannot be written ({error.strerror}).") from None


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file, Persian letters as they are."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=1) + "\n")
