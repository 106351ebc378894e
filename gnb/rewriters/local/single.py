"""Input-guided decoding of one text at a time, in numpy: the answers of `GuidedDecoder`, for a few texts.

What was rejected of a draft is cut off the cache, so there is nothing to mask.
"""

from collections import ChainMap
from collections.abc import MutableMapping, Sequence
from copy import copy

import numpy as np
from numpy.typing import NDArray

from gnb.models.arrays import Floats
from gnb.models.gemma_numpy import Cache, NumpyGemma
from gnb.rewriters.local.alternatives import alternatives, most_probable
from gnb.rewriters.local.rows import TRAIL, Change, Decoded, Frame, Hints, Predicted, Row, Second


class SingleDecoder:
    """Decodes texts behind one shared prompt prefix.

    Args:
        model: runs without its output layer.
        frame: the prompt around every text, and what answers may hold.
    """

    def __init__(self, model: NumpyGemma, frame: Frame) -> None:
        self._model, self._frame = model, frame
        allowed = sorted(frame.tokens)
        self._words = _Words(allowed, model.output_rows(allowed))
        _, self._prefix = model.run(frame.before, [])

    def decode(
        self,
        sources: Sequence[Sequence[int]],
        limits: Sequence[int],
        least: float | None = None,
        hints: Sequence[Hints] | None = None,
        *,
        first_draft: int | None = None,
        others: int = 0,
    ) -> list[Decoded]:
        """Answer each text; the arguments are those of `GuidedDecoder.decode`."""
        around = len(self._frame.before) + len(self._frame.after)
        return [
            self._answer(Row(list(source), around + len(source), limit, least, hinted), first_draft, others)
            for source, limit, hinted in zip(sources, limits, hints or [{}] * len(sources), strict=True)
        ]

    def _answer(self, row: Row, first_draft: int | None, count: int) -> Decoded:
        words = self._words.extended(row.own_tokens(), self._model)
        context, draft = [*row.source, *self._frame.after], row.source[: row.limit - 1][:first_draft]
        cache = self._step(row, words, context, draft, self._prefix, seeks_change=first_draft is None)
        cache = self._go_on(row, words, cache)
        others = alternatives(row, self._frame.stop, count)
        for other in others:
            self._go_on(other, words, _cut(cache, other.held))
        return most_probable(row, others)

    def _go_on(self, row: Row, words: "_Words", cache: Cache) -> Cache:
        while not row.done:
            cache = self._step(row, words, row.answer[-1:], row.next_draft(), cache)
        return cache

    def _step(
        self,
        row: Row,
        words: "_Words",
        context: list[int],
        draft: list[int],
        cache: Cache,
        *,
        seeks_change: bool = False,
    ) -> Cache:
        """Run the model over context and draft, and let the row take what it agrees with; return the cache of that."""
        offset = _length(cache) + len(context)
        hidden, cache = self._model.run(context + draft, cache)
        logits = words.logits(hidden[len(context) - 1 :])
        self._add_hints(logits, words, row)
        copied = words.places([*draft, row.behind(draft, self._frame.end)])
        change = self._best_change(logits, words, copied) if seeks_change else None
        if self._frame.copy_bonus and row.sure and draft:
            logits[np.arange(len(copied)), copied] += np.float32(self._frame.copy_bonus)
        predicted = _predicted(logits, words)
        if change:
            row.decide(change, draft, predicted, self._frame)
        if row.done:
            return cache
        return _cut(cache, offset + row.accept(draft, predicted, self._frame.stop))

    def _add_hints(self, logits: Floats, words: "_Words", row: Row) -> None:
        """Add the row's hints where its answer is drafted from the source."""
        if len(logits) == 1 or not row.sure:
            return
        for step, given in enumerate(logits):
            for token, value in row.hints.get(row.offer + step, {}).items():
                given[words.places([token])] += np.float32(value)

    def _best_change(self, logits: Floats, words: "_Words", copied: NDArray[np.intp]) -> Change:
        """Return the change that leads most over copying. Where the text ends, what ends an answer is copying."""
        steps, stops = np.arange(len(copied)), words.places(sorted(self._frame.stop))
        at_end = words.tokens[copied] == self._frame.end
        copying = np.where(at_end, logits[:, stops].max(axis=-1), logits[steps, copied])
        others = logits.copy()
        others[steps, copied] = -np.inf
        others[np.ix_(at_end, stops)] = -np.inf
        leads = others.max(axis=-1) - copying
        place = int(leads.argmax())
        return Change(float(leads[place]), place, int(words.tokens[others[place].argmax()]))


class _Words:
    """What an answer may hold, and the output layer over it.

    Attributes:
        tokens: the token of each place.
    """

    def __init__(self, tokens: Sequence[int], rows: Floats) -> None:
        self.tokens = np.asarray(tokens)
        self._rows, self._extra = rows, rows[:0]
        self._places: MutableMapping[int, int] = {token: place for place, token in enumerate(tokens)}

    def extended(self, tokens: set[int], model: NumpyGemma) -> "_Words":
        """Return what an answer may hold that may hold some tokens as well."""
        extra = sorted(tokens - self._places.keys())
        joined = copy(self)
        joined.tokens, joined._extra = np.append(self.tokens, extra).astype(np.intp), model.output_rows(extra)
        joined._places = ChainMap({token: len(self.tokens) + place for place, token in enumerate(extra)}, self._places)
        return joined

    def logits(self, hidden: Floats) -> Floats:
        """Return the logits of states, shape (states, tokens)."""
        return np.concatenate((hidden @ self._rows.T, hidden @ self._extra.T), axis=-1)

    def places(self, tokens: list[int]) -> NDArray[np.intp]:
        """Return the places of tokens."""
        return np.asarray([self._places[token] for token in tokens], dtype=np.intp)


def _predicted(logits: Floats, words: _Words) -> Predicted:
    steps, first = np.arange(len(logits)), logits.argmax(axis=-1)
    highest = logits[steps, first]
    chances = -np.log(np.exp(logits - highest[:, None]).sum(axis=-1))
    logits[steps, first] = -np.inf
    seconds, trails = logits.argmax(axis=-1), highest - logits.max(axis=-1)
    near = {
        int(step): Second(int(words.tokens[seconds[step]]), float(trails[step]))
        for step in (trails < TRAIL).nonzero()[0]
    }
    return Predicted(words.tokens[first].tolist(), chances.tolist(), near)


def _cut(cache: Cache, length: int) -> Cache:
    return [(keys[:, :length], values[:, :length]) for keys, values in cache]


def _length(cache: Cache) -> int:
    keys, _ = cache[0]
    return int(keys.shape[1])
