"""Files that appear when they are complete."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


@contextmanager
def appearing(path: Path, encoding: str = "utf-8", newline: str | None = None) -> Iterator[TextIO]:
    """Open a file to write; it takes its place when the block ends well, and else what was there stays.

    A lone surrogate, which JSON may hold and no file may, becomes a question mark as in `gnb prepare`.

    Args:
        path: of the file, in a folder that is there.
        encoding: of the text.
        newline: as in `open`.

    Raises:
        OSError: if it cannot be written.
    """
    scratch = path.with_name(f".{path.name}.{os.getpid()}.writing")  # several processes may write the same
    try:
        with scratch.open("w", encoding=encoding, errors="replace", newline=newline) as file:
            yield file
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
