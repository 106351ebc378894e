"""Runs a function over many tasks in worker processes, in order, with a bounded number of tasks under way."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain, islice

from gnb.core.errors import GnbError

FEW = 4
"""With fewer tasks than this, starting processes costs more than it saves."""


def map_in_order[TaskT, ResultT](
    function: Callable[[TaskT], ResultT], tasks: Iterable[TaskT], workers: int
) -> Iterator[ResultT]:
    """Yield the result of each task in order; tasks are taken only as fast as results are.

    Args:
        function: a function of a module, so that another process can import it.
        tasks: what it is called with.
        workers: processes to use; 1 keeps all work in this process.

    Raises:
        GnbError: if a worker process dies.
    """
    pending = iter(tasks)
    first = list(islice(pending, FEW))
    if workers == 1 or len(first) < FEW:
        yield from map(function, chain(first, pending))
        return
    context = multiprocessing.get_context("spawn")  # a forked copy of a process with threads may hang
    executor = ProcessPoolExecutor(workers, context, initializer=_become_worker)
    try:
        yield from _drain(executor, function, chain(first, pending), 2 * workers)
    except BrokenProcessPool:
        raise GnbError(
            "A worker process died; perhaps memory ran out. Run the same command again with --workers 1: "
            "what is finished is kept."
        ) from None
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _drain[TaskT, ResultT](
    executor: ProcessPoolExecutor, function: Callable[[TaskT], ResultT], tasks: Iterable[TaskT], ahead: int
) -> Iterator[ResultT]:
    waiting: deque[Future[ResultT]] = deque()
    for task in tasks:
        waiting.append(executor.submit(function, task))
        if len(waiting) > ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _become_worker() -> None:
    """Leave Ctrl-C to the parent process, and end when it ends, even by kill -9."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
