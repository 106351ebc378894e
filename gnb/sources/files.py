"""What the sources that read files share."""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from gnb.core.errors import InputError


def _expand(path: Path) -> Path:
    return Path(os.path.expanduser(path))  # unlike Path.expanduser, leaves an unknown ~user as it is


UserPath = Annotated[Path, AfterValidator(_expand)]
"""A path as a user writes it: the shell leaves the ~ in `chatgpt:~/texts` alone, so it is resolved here."""


def find_files(folder: Path, patterns: Iterable[str], hint: str = "") -> list[Path]:
    """Return the files of a folder that match any pattern, in natural order: Bias2.txt before Bias10.txt.

    Args:
        folder: the folder; its subfolders are not searched.
        patterns: glob patterns.
        hint: what to do if there are none, added to the message.

    Raises:
        InputError: if the folder does not exist, is none, or holds no such file.
    """
    wanted = ", ".join(patterns)
    if not folder.is_dir():
        state = "is a file" if folder.exists() else "does not exist"
        raise InputError(f"{folder}: {state}; expected a folder with {wanted}.{hint}")
    found = {path for pattern in patterns for path in folder.glob(pattern) if path.is_file()}
    if not found:
        raise InputError(f"{folder}: no file in this folder matches {wanted}.{hint}")
    return sorted(found, key=_natural_key)


def _natural_key(path: Path) -> tuple[list[str | int], str]:
    pieces = re.split(r"(\d+)", path.stem)
    return [int(piece) if piece.isdecimal() else piece for piece in pieces], path.name
