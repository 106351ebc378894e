"""What is worked out once from hazm and kept: importing hazm takes seconds and 200 MB in each process that cleans."""

import json
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from gnb.core.paths import cache_dir, write_cached


def kept(name: str, make: Callable[[], Any]) -> Any:
    """Return what `make` returns, a JSON value; from a file in the user's cache where an earlier call left it.

    Args:
        name: of the value; with the version of hazm it names the file.
        make: works the value out.
    """
    file = cache_dir() / f"{name}-hazm-{version('hazm')}.json"
    try:
        return json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        value = make()
    write_cached(file, json.dumps(value, ensure_ascii=False))
    return value
