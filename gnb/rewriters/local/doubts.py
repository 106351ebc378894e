"""Leaves out of an answer the edits that its model is least sure of.

The probability that a model gives the tokens of an edit tells the edits that a person would make from others
(docs/training.md).
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp

from gnb.core.edits import Edit, whole_word_edits


@dataclass(frozen=True, slots=True)
class Weighed:
    """An answer without its doubtful edits.

    Attributes:
        text: the answer.
        chance: the lowest probability of an edit that is left, 0 to 1; None if there is none.
    """

    text: str
    chance: float | None


def without_doubtful(source: str, answer: str, ends: Sequence[int], chances: Sequence[float], least: float) -> Weighed:
    """Take back the edits of low probability, but for the surest one: a text that was changed stays changed.

    Args:
        source: the text that was answered.
        answer: what the model wrote.
        ends: where in the answer each of its tokens ends, in order; equal for the parts of one character.
        chances: the log-probability of each, in nats, and that of the token that ended the answer.
        least: the probability from which an edit is kept, 0 to 1.
    """
    weighed = [(edit, _probability(edit, ends, chances)) for edit in whole_word_edits(source, answer)]
    if not weighed:
        return Weighed(answer, None)
    bound = min(least, max(chance for _, chance in weighed))
    parts, place = [], 0
    for edit, chance in weighed:
        if chance < bound:
            start, end = _with_spaces(answer, edit.target_start, edit.target_end)
            old_start, old_end = _with_spaces(source, edit.source_start, edit.source_end)
            restored = source[old_start:old_end]
            # two edits with nothing but white space between them share it
            parts += [answer[place:start], restored.lstrip() if start < place else restored]
            place = end
    return Weighed("".join([*parts, answer[place:]]), min(chance for _, chance in weighed if chance >= bound))


def _probability(edit: Edit, ends: Sequence[int], chances: Sequence[float]) -> float:
    """Return the probability of an edit's tokens; where words are only left out, that of the token that follows."""
    first = bisect_right(ends, edit.target_start)
    last = max(first, bisect_right(ends, edit.target_end) - 1)
    found = chances[first : last + 1]
    return exp(sum(found)) if found else 0.0  # words that are missing since the answer was cut off


def _with_spaces(text: str, start: int, end: int) -> tuple[int, int]:
    """Return a span together with the white space around it."""
    before, behind = text[:start], text[end:]
    return len(before.rstrip()), len(text) - len(behind.lstrip())
