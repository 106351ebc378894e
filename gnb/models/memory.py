"""What does not fit into memory at once goes through in smaller parts."""

import gc
import sys
from collections.abc import Callable, Iterator, Sequence

_SIGNS = (
    "out of memory",  # CUDA, HIP, MPS
    "can't allocate memory",  # torch on a CPU under Linux
    "not enough memory",  # the same under Windows
    "CUBLAS_STATUS_ALLOC_FAILED",
)
NO_ROOM = "needs more memory than there is"
"""The reason of what does not fit even alone."""


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error means that memory, of a GPU or of the machine, did not suffice."""
    if isinstance(error, MemoryError):
        return True
    # torch.OutOfMemoryError is a RuntimeError of the first of these texts; the other allocators have no type of theirs
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _SIGNS)


def in_fitting_parts[T, R](
    run: Callable[[Sequence[T]], R], items: Sequence[T], size: int, overflow: Callable[[Sequence[T]], None]
) -> Iterator[tuple[Sequence[T], R | None]]:
    """Run over items part by part; where memory does not suffice, go on with half as many, down to single ones.

    Args:
        run: gives the result of some items.
        items: all of them.
        size: how many to begin with, from 1.
        overflow: is told of every part of two items or more that did not fit.

    Yields:
        The items of each part, in order, and their result; None for a single item that does not fit.
    """
    start = 0
    while start < len(items):
        part = items[start : start + size]
        found = _attempt(run, part)
        if found is None and len(part) > 1:
            overflow(part)
            size = len(part) // 2
            continue
        yield part, found
        start += len(part)


def _attempt[T, R](run: Callable[[Sequence[T]], R], part: Sequence[T]) -> R | None:
    try:
        return run(part)
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
    free_memory()  # out here, where the error no longer holds the tensors of the failed run
    return None


def free_memory() -> None:
    """Give back what nothing uses any more, to the GPU as well."""
    gc.collect()
    if torch := sys.modules.get("torch"):
        torch.cuda.empty_cache()
