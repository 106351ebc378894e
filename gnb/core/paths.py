"""Where gnb keeps what can be made again."""

import os
from contextlib import suppress
from pathlib import Path

from gnb.core.appearing import appearing


def cache_dir() -> Path:
    """Return the cache folder: `GNB_CACHE`, else `gnb` in the user's cache folder. It may not exist yet."""
    if folder := os.environ.get("GNB_CACHE"):
        return Path(folder)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gnb"


def write_cached(file: Path, text: str) -> None:
    """Write a file of the cache, in one step, so that another process reads the whole or nothing; if that can be."""
    with suppress(OSError):  # a cache that cannot be written costs time, nothing else
        file.parent.mkdir(parents=True, exist_ok=True)
        with appearing(file) as opened:
            opened.write(text)
