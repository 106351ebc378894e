"""One text on its way through guided decoding: what was drafted of its answer, and what the model agreed with."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite

from gnb.core.errors import ModelError

FIRST_DRAFT = 8
"""Tokens of a text offered at first where it is known to change; most changes begin there (docs/benchmarks.md)."""
_DRAFT_LENGTHS = {3: 12, 2: 6, 1: 2}
"""Draft tokens offered after a change, by how many of the answer's last tokens were found in the input."""
TRAIL = 1.5
"""A second choice that begins another answer trails the first one by less, in nats (docs/training.md)."""
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
class Second:
    """A second choice: the token, and by how many nats it trails the first."""

    token: int
    trail: float


@dataclass(frozen=True, slots=True)
class Predicted:
    """What the model would put behind each token of a draft.

    Attributes:
        tokens: its first choices.
        chances: their log-probabilities, in nats.
        seconds: by place, the second choices that trail by less than `TRAIL`, where they are sought.
    """

    tokens: list[int]
    chances: list[float]
    seconds: dict[int, Second]


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
        margin: as that of `Decoded`.
        chances: as those of `Decoded`.
        seconds: by place in the answer, the second choices that it might have taken.
        used: how much of the pattern the answer has come past.
        offer: where in the pattern the current draft begins.
        sure: whether that place is the right one beyond doubt; one common word alone may stand in many places.
    """

    source: list[int]
    start: int
    limit: int
    least: float | None
    hints: Hints
    margin: float | None = None
    answer: list[int] = field(default_factory=list)
    chances: list[float] = field(default_factory=list)
    seconds: dict[int, Second] = field(default_factory=dict)
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
        for place, (token, chance) in enumerate(zip(predicted.tokens[: taken + 1], predicted.chances, strict=False)):
            _check_finite(chance)
            if second := predicted.seconds.get(place):
                self.seconds[len(self.answer)] = second
            self.chances.append(chance)
            if token in stop:
                self.done = True
                break
            self.answer.append(token)
        if taken:
            self.used = self.offer + taken
        self.done = self.done or self.is_over
        return taken

    def decide(self, change: Change, draft: Sequence[int], predicted: Predicted, frame: Frame) -> None:
        """Copy the source, or put a change into a prediction that copies it, as `least` says.

        Raises:
            ModelError: if the margin is no finite number: then no answer of the model is worth anything.
        """
        _check_finite(change.margin)
        self.margin = change.margin
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
            predicted.seconds.pop(change.place, None)  # that is the change itself

    @property
    def chance(self) -> float:
        """The log-probability of the answer so far, in nats."""
        return sum(self.chances)

    @property
    def pattern(self) -> list[int]:
        """What drafts are taken from."""
        return self.source

    @property
    def is_over(self) -> bool:
        """Whether the answer goes no further, though no token ends it."""
        return len(self.answer) >= self.limit

    def own_tokens(self) -> set[int]:
        """Return the tokens that only this row's answer may hold besides those that every answer may."""
        return {*self.source, *(token for hints in self.hints.values() for token in hints)}

    def behind(self, draft: Sequence[int], end: int) -> int:
        """Return what copying puts behind a draft: the source's next token, or the end token."""
        place = self.offer + len(draft)
        return self.pattern[place] if place < len(self.pattern) else end

    def offered(self, length: int) -> list[int]:
        """Return a draft of some tokens at the most, from where it is offered."""
        room = self.limit - len(self.answer) - 1
        return self.pattern[self.offer : self.offer + min(length, room)]

    def next_draft(self) -> list[int]:
        """Return tokens that probably follow: those behind the answer's tail in the pattern, wherever that is found."""
        for size, length in _DRAFT_LENGTHS.items():
            tail = self.answer[-size:]
            for place in range(max(0, self.used - size + 1), len(self.pattern) - size):
                if self.pattern[place : place + size] == tail:
                    self.offer, self.sure = place + size, size > 1
                    return self.offered(length)
        return []


def _check_finite(number: float) -> None:
    if not isfinite(number):
        raise ModelError(
            "The model gives no finite numbers: its weights or those of its adapter are damaged, or too large for "
            "dtype float16."
        )
