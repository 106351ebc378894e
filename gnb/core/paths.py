"""Where gnb keeps what can be made again."""

import os
from pathlib import Path


def cache_dir() -> Path:
    """Return the cache folder: `GNB_CACHE`, else `gnb` in the user's cache folder. It may not exist yet."""
    if folder := os.environ.get("GNB_CACHE"):
        return Path(folder)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gnb"
