"""Notes beside each answer what it took: time, and the most memory that the process held meanwhile."""

import time
from dataclasses import replace
from threading import Event, Thread
from typing import Self

from gnb.core.records import Rewrite

SECONDS, MEMORY = "seconds", "memory"
"""The keys under which an answer's details hold wall-clock seconds, and resident memory in bytes."""
_INTERVAL = 0.05
"""Seconds between two looks at the memory; what is held for less may be missed."""


class Meter:
    """Measures from the end of one answer to the end of the next, so that the seconds of all answers add up.

    The first answer's share holds the loading of models, if they are loaded for it.
    """

    def __init__(self) -> None:
        from psutil import Process

        self._process = Process()
        self._stop = Event()
        self._watcher = Thread(target=self._watch, daemon=True)
        self._began = time.perf_counter()
        self._peak = self._resident()

    def __enter__(self) -> Self:
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._watcher.join()

    def note(self, answer: Rewrite) -> Rewrite:
        """Return an answer with what it took in its details; what it says of itself already stays."""
        now, resident = time.perf_counter(), self._resident()
        taken = {SECONDS: round(now - self._began, 6), MEMORY: max(self._peak, resident)}
        self._began, self._peak = now, resident
        return replace(answer, details={**taken, **answer.details})

    def _watch(self) -> None:
        while not self._stop.wait(_INTERVAL):
            self._peak = max(self._peak, self._resident())

    def _resident(self) -> int:
        return int(self._process.memory_info().rss)
