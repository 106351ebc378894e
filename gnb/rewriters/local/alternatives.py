"""Other answers to a text than the first one, each by a second choice; the most probable counts if it leads clearly.

The first answer may begin with a word that leaves it nothing good to go on with. The others begin where the model was
least sure, and end as soon as they are not clearly better.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from gnb.rewriters.local.rows import Decoded, Row

_UNSURE = -2.0
"""Log-probability of a first answer, in nats, below which others are tried (docs/training.md)."""
_LEAD = 0.5
"""By how many nats another answer must be more probable than the first one (docs/training.md)."""
_DRAFT = 6
"""Draft tokens offered behind a second choice: mostly it stands for one token, and the rest follows as it did."""


@dataclass(kw_only=True)
class Alternative(Row):
    """Another answer to a text, on its way; most of it is what the first one says.

    Attributes:
        first: the first answer.
        place: where in the answer the second choice stands.
    """

    first: Row
    place: int

    @property
    def pattern(self) -> list[int]:
        """What drafts are taken from: the first answer."""
        return self.first.answer

    @property
    def is_over(self) -> bool:
        """Whether the answer goes no further: it is too long, or too improbable already."""
        return super().is_over or self.chance <= self.first.chance + _LEAD

    @property
    def held(self) -> int:
        """How many tokens of the prompt and of the first answer, once the model has read them, count for this one."""
        return self.start + self.place

    @property
    def counts(self) -> bool:
        """Whether a finished answer is better than the first one. An empty one and a copy of the text do not count."""
        return self.done and not self.is_over and self.answer not in ([], self.source)

    def next_draft(self) -> list[int]:
        """Return tokens that probably follow."""
        if len(self.answer) > self.place + 1:
            return super().next_draft()
        self.offer = self.place + 1
        return self.offered(_DRAFT)


def alternatives(first: Row, stop: frozenset[int], count: int) -> list[Alternative]:
    """Begin the other answers to a text, at the second choices that trail least, where the first one is unsure.

    Args:
        first: the first answer, finished.
        stop: the tokens that end an answer.
        count: how many there may be at the most.
    """
    if first.chance >= _UNSURE or first.answer == first.source:
        return []
    nearest = sorted(first.seconds, key=lambda place: first.seconds[place].trail)[:count]
    begun = [_begin(first, place, stop) for place in nearest]
    return [other for other in begun if not other.is_over]


def _begin(first: Row, place: int, stop: frozenset[int]) -> Alternative:
    """Return another answer, up to its second choice."""
    second = first.seconds[place]
    ends = second.token in stop
    return Alternative(
        first.source,
        first.start,
        first.limit,
        least=None,
        hints={},
        answer=first.answer[:place] + [second.token] * (not ends),
        chances=[*first.chances[:place], first.chances[place] - second.trail],
        used=place + 1,
        done=ends,
        first=first,
        place=place,
    )


def most_probable(first: Row, others: Iterable[Alternative]) -> Decoded:
    """Return the most probable answer to a text: the first one, or one of the others that count."""
    best = max([first, *(other for other in others if other.counts)], key=lambda row: row.chance)
    return Decoded(best.answer, first.margin, best.chances)
