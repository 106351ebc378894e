"""Cleaning as a Ray Data pipeline, here or on a cluster: the same chunks, the same function, the same result."""

import json
import logging
import os
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import batched
from typing import Any

from gnb.core.cleaning import CleaningOptions
from gnb.core.errors import GnbError, MissingDependencyError, first_line
from gnb.core.preparation.chunks import Chunk, CleanChunk, Row, clean_chunk

WINDOW = 256
"""Chunks that are on the cluster at once, a quarter of a million texts: what bounds the memory of the object store."""


def clean_on_ray(
    chunks: Iterable[Chunk], *, address: str | None = None, workers: int | None = None
) -> Iterator[CleanChunk]:
    """Yield the cleaned chunks, in any order. A node that dies is made up for by the others.

    Args:
        chunks: taken a window at a time, so that memory stays bounded.
        address: of a cluster whose nodes have this version of gnb and hazm; None starts Ray on this machine.
        workers: tasks at a time, where Ray is started here; None for one a core.

    Raises:
        MissingDependencyError: if the extra is not installed.
        GnbError: if the cluster cannot be reached, or all its nodes died.
    """
    with _connected(address, workers) as data, _translated():
        for window in batched(chunks, WINDOW):
            items = [_pack(chunk) for chunk in window]
            cleaned = data.from_items(items, override_num_blocks=len(items)).map(_clean)
            for row in cleaned.iter_rows():
                yield _unpack(row["cleaned"])


def _pack(chunk: Chunk) -> dict[str, Any]:
    return {**asdict(chunk), "options": chunk.options.model_dump_json(), "lines": list(chunk.lines)}


def _clean(item: dict[str, Any]) -> dict[str, str]:
    """What runs on the nodes."""
    options = CleaningOptions.model_validate_json(item["options"])
    chunk = Chunk(int(item["number"]), item["fingerprint"], options, tuple(item["lines"]))
    return {"cleaned": json.dumps(asdict(clean_chunk(chunk)), ensure_ascii=False)}


def _unpack(cleaned: str) -> CleanChunk:
    values = json.loads(cleaned)
    return CleanChunk(**{**values, "rows": tuple(Row(*row) for row in values["rows"])})


@contextmanager
def _connected(address: str | None, workers: int | None) -> Iterator[Any]:
    """Connect to a cluster, or start Ray here without its web page, and leave or stop it at the end."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # read when Ray starts
    try:
        import ray
        import ray.data
    except ImportError:
        raise MissingDependencyError("--engine ray needs Ray. Install: pip install 'gnb[ray]'") from None
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    _check_address(address)
    here: dict[str, Any] = {} if address else {"num_cpus": workers, "include_dashboard": False}
    try:
        ray.init(address=address, **quiet, **here)
    except (ConnectionError, RuntimeError, ValueError) as error:
        where = f"at {address} " if address else ""
        raise GnbError(f"Ray {where}cannot be reached: {first_line(error)}") from None
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    ray.data.DataContext.get_current().enable_progress_bars = False
    try:
        yield ray.data
    finally:
        ray.shutdown()


def _check_address(address: str | None) -> None:
    """Knock at HOST:PORT first: Ray itself takes minutes to notice that nobody is there."""
    host, _, port = (address or "").rpartition(":")
    if not port.isdecimal() or "/" in host:
        return
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except (OSError, OverflowError) as error:
        raise GnbError(f"Ray at {address} cannot be reached ({error}); expected the HOST:PORT of its head.") from None


@contextmanager
def _translated() -> Iterator[None]:
    from ray.exceptions import RayError

    try:
        yield
    except RayError as error:
        reason = [type(error).__name__, *str(error).strip().splitlines()][-1]
        raise GnbError(f"Ray gave up: {reason} What is finished is kept; the same command goes on.") from None
