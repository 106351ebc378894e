"""One text on its way through guided decoding: what was drafted of its answer, and what the model agreed with."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite

from gnb.core.errors import ModelError

FIRST_DRAFT = 8
"""Tokens of a text offered at first where it is known to change; most changes begin there (docs/benchmarks.md)."""
_DRAFT_LENGTHS = {3: 12, 2: 6, 1: 2}
"""Draft tokens offered after a change, by how many of the answer's last tokens were found in the input."""
MARGIN_DIGITS = 3
"""Decimal digits of a margin that are shown, and that a threshold sees."""
Hints = Mapping[int, Mapping[int, float]]
"""By place in a text's tokens: what is added to the logits of the tokens that an answer might go on with there."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What is the same for all texts.

    Attributes:
        tokens: what any answer may hold; a text's own tokens are allowed in its answer as well.
        before: tokens of the prompt in front of the text; run once for all texts.
        after: tokens of the prompt behind the text.
        stop: tokens that end an answer.
        end: the one of them that a model says where it has finished.
        copy_bonus: added to the logit of each token that was drafted from the input, in nats; 0 is greedy decoding.
    """

    tokens: Collection[int]
    before: list[int]
    after: list[int]
    stop: frozenset[int]
    end: int
    copy_bonus: float = 0.0


@dataclass(frozen=True, slots=True)
class Decoded:
    """An answer.

    Attributes:
        tokens: its tokens, without the one that ends it.
        margin: how much the model prefers a change to copying, in nats: over all places of the copied text, the
            largest lead that another token has over the copied one. Above 0 a greedy answer differs from its text.
            None where decoding did not look at it.
        chances: the log-probability of each token, in nats, and that of the one that ended the answer; None where
            decoding did not look at them.
    """

    tokens: list[int]
    margin: float | None = None
    chances: list[float] | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """The most likely change of a copied text: its margin (see `Decoded`), its place, and the token put there."""

    margin: float
    place: int
    token: int


@dataclass(frozen=True, slots=True)
class Predicted:
    """What the model would put behind each token of a draft: those tokens and their log-probabilities, in nats."""

    tokens: list[int]
    chances: list[float]


@dataclass(slots=True)
class Row:
    """One text on its way.

    Attributes:
        source: the text's own tokens.
        start: the position of the answer's first token.
        limit: how many tokens the answer may have at the most.
        least: from which margin the answer must differ from the source, and below which it must not; None leaves
            that to greedy decoding.
        hints: as `GuidedDecoder.decode` takes them.
        chances: as those of `Decoded`.
        used: how much of the source the answer has come past.
        offer: where in the source the current draft begins.
        sure: whether that place is the right one beyond doubt; one common word alone may stand in many places.
    """

    source: list[int]
    start: int
    limit: int
    least: float | None
    hints: Hints
    answer: list[int] = field(default_factory=list)
    chances: list[float] = field(default_factory=list)
    used: int = 0
    offer: int = 0
    sure: bool = True
    done: bool = False

    def accept(self, draft: Sequence[int], predicted: Predicted, stop: frozenset[int]) -> int:
        """Take the draft as far as the model agrees, then the model's own next token; return how much was taken.

        Raises:
            ModelError: if a probability is no finite number: then no answer of the model is worth anything.
        """
        taken = 0
        while taken < len(draft) and draft[taken] == predicted.tokens[taken]:
            taken += 1
        if taken:
            self.used = self.offer + taken
        for token, chance in zip(predicted.tokens[: taken + 1], predicted.chances, strict=False):
            _check_finite(chance)
            self.chances.append(chance)
            if token in stop:
                self.done = True
                break
            self.answer.append(token)
        self.done = self.done or len(self.answer) >= self.limit
        return taken

    def decide(self, change: Change, draft: Sequence[int], predicted: Predicted, frame: Frame) -> None:
        """Copy the source, or put a change into a prediction that copies it, as `least` says.

        Raises:
            ModelError: if the margin is no finite number: then no answer of the model is worth anything.
        """
        _check_finite(change.margin)
        if self.least is None:
            return
        # rounded as it is shown, so that a threshold cuts the very number that `gnb tune` reads
        if round(change.margin, MARGIN_DIGITS) < self.least:
            self.answer, self.done = list(self.source), True
            return
        *copied, last = predicted.tokens
        if copied == list(draft) and (last in frame.stop or [*draft, last] == self.source):
            predicted.tokens[change.place] = change.token
            # the margin is over copying without its bonus, and the probability that stands there is with it
            predicted.chances[change.place] += change.margin - frame.copy_bonus

    def own_tokens(self) -> set[int]:
        """Return the tokens that only this row's answer may hold besides those that every answer may."""
        return {*self.source, *(token for hints in self.hints.values() for token in hints)}

    def behind(self, draft: Sequence[int], end: int) -> int:
        """Return what copying puts behind a draft: the source's next token, or the end token."""
        place = self.offer + len(draft)
        return self.source[place] if place < len(self.source) else end

    def next_draft(self) -> list[int]:
        """Return input tokens that probably follow: those behind the place where the answer's tail is found again."""
        room = self.limit - len(self.answer) - 1
        for size, length in _DRAFT_LENGTHS.items():
            tail = self.answer[-size:]
            for place in range(max(0, self.used - size + 1), len(self.source) - size):
                if self.source[place : place + size] == tail:
                    self.offer, self.sure = place + size, size > 1
                    return self.source[self.offer : self.offer + min(length, room)]
        return []


def _check_finite(number: float) -> None:
    if not isfinite(number):
        raise ModelError(
            "The model gives no finite numbers: its weights or those of its adapter are damaged, or too large for "
            "dtype float16."
        )
