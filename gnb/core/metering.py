"""Notes beside each answer what it took: time, and the most memory that the process held meanwhile."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from threading import Event, Thread
from typing import Self

from gnb.core.records import Rewrite

SECONDS, MEMORY = "seconds", "memory"
"""The keys under which an answer's details hold wall-clock seconds, and resident memory in bytes."""
_INTERVAL = 0.05
"""Seconds between two looks at the memory; what is held for less may be missed."""


@dataclass(frozen=True, slots=True)
class Share:
    """An answer to a text as it was noted when it came, and with its equal share of the seconds."""

    text: str
    noted: Rewrite
    shared: Rewrite


class Meter:
    """Measures from the end of one answer to the end of the next, so that the seconds of all answers add up.

    A rewriter that answers some texts together gives all but the first of these answers in no time. So the answers to
    the texts that it took before it had answered those taken earlier share their seconds equally. The first ones'
    share holds the loading of models, if they are loaded for them.

    Attributes:
        waiting: how many texts have been taken and not been answered yet.
    """

    def __init__(self) -> None:
        from psutil import Process

        self.waiting = 0
        self._together: list[tuple[str, Rewrite, float, Rewrite]] = []
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

    def taken(self, texts: Iterable[str]) -> Iterator[str]:
        """Yield the texts to a rewriter, counting those that wait for an answer."""
        for text in texts:
            self.waiting += 1
            yield text

    def note(self, text: str, answer: Rewrite) -> Rewrite:
        """Return an answer with what it took in its details; what it says of itself already stays."""
        now, resident = time.perf_counter(), self._resident()
        seconds = now - self._began
        taken = {SECONDS: round(seconds, 6), MEMORY: max(self._peak, resident)}
        self._began, self._peak = now, resident
        self.waiting -= 1
        noted = replace(answer, details={**taken, **answer.details})
        self._together.append((text, answer, seconds, noted))
        return noted

    def shares(self) -> list[Share]:
        """Return the answers that were noted since the last call, with their seconds shared out."""
        together, self._together = self._together, []
        if len(together) < 2:
            return []
        share = {SECONDS: round(sum(seconds for _, _, seconds, _ in together) / len(together), 6)}
        return [
            Share(text, noted, replace(noted, details={**noted.details, **share, **answer.details}))
            for text, answer, _, noted in together
        ]

    def _watch(self) -> None:
        while not self._stop.wait(_INTERVAL):
            self._peak = max(self._peak, self._resident())

    def _resident(self) -> int:
        return int(self._process.memory_info().rss)
