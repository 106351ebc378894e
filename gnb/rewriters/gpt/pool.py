"""Many requests at once: answers as they arrive, none lost when one fails or the user presses Ctrl-C."""

from collections.abc import Callable, Iterable, Iterator
from queue import SimpleQueue
from threading import Event, Thread

AHEAD = 32
"""How many texts, for each request under way, may be taken past one that is still unanswered: memory stays bounded."""


class StoppedError(Exception):
    """Raised by work that was given up since the run is ending."""


class _Flight[AnswerT]:
    """The texts under way, each in a thread of its own."""

    def __init__(self, work: Callable[[str, Event], AnswerT], texts: Iterable[str], concurrency: int) -> None:
        self.stop = Event()
        self.running: set[int] = set()
        self._done: SimpleQueue[tuple[int, AnswerT | BaseException]] = SimpleQueue()
        self._work = work
        self._texts = iter(texts)
        self._begun = 0
        self._concurrency = concurrency

    def fill(self) -> None:
        """Begin as many texts as may be under way."""
        while self._has_room() and (text := next(self._texts, None)) is not None:
            self.running.add(self._begun)
            Thread(target=self._run, args=(self._begun, text), daemon=True).start()
            self._begun += 1

    def land(self) -> tuple[int, AnswerT | BaseException]:
        """Wait for the next answer or error, and return it with the place of its text."""
        place, answer = self._done.get()
        self.running.discard(place)
        return place, answer

    def _has_room(self) -> bool:
        oldest = min(self.running, default=self._begun)
        return len(self.running) < self._concurrency and self._begun - oldest < AHEAD * self._concurrency

    def _run(self, place: int, text: str) -> None:
        try:
            self._done.put((place, self._work(text, self.stop)))
        except BaseException as error:  # it is raised where the answers are read
            self._done.put((place, error))


def as_completed[AnswerT](
    work: Callable[[str, Event], AnswerT], texts: Iterable[str], concurrency: int
) -> Iterator[tuple[int, AnswerT]]:
    """Yield the place of each text and its answer, as they arrive.

    When a text fails, when reading the texts fails, or at Ctrl-C, no further text is begun; what is under way is
    awaited and yielded, and only then the error raised. A second Ctrl-C does not wait.

    Args:
        work: answers a text in a thread of its own; once the event is set, it should start nothing new.
        texts: taken as they are needed.
        concurrency: texts under way at once.
    """
    flight = _Flight(work, texts, concurrency)
    fatal: BaseException | None = None
    try:
        while fatal is None or flight.running:
            try:
                if fatal is None:
                    flight.fill()
                if not flight.running:
                    break
                place, answer = flight.land()
            except BaseException as error:  # Ctrl-C, or whatever reading the texts raises
                if fatal is not None:
                    raise
                place, answer = -1, error
            if not isinstance(answer, BaseException):
                yield place, answer
            elif fatal is None:
                fatal = answer
                flight.stop.set()
        if fatal is not None:
            raise fatal
    finally:
        flight.stop.set()
