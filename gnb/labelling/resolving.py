"""From several votes to one label."""

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Literal

from gnb.core.records import Example
from gnb.core.text import comparison_key
from gnb.labelling.votes import Labelled, with_votes

Way = Literal["majority", "first", "none"]


def resolve(labelled: Labelled, way: Way) -> tuple[Example, list[str]]:
    """Return the example with its label, references and votes, and the fields that a tie leaves undecided.

    Args:
        labelled: the example and its votes; without votes it stays as it is.
        way: "majority" of those who said something, the "first" who did, or "none": labels stay as they were.
    """
    example, votes = labelled.example, labelled.votes
    if not votes:
        return example, []
    kept = with_votes(example, votes)
    if way == "none":
        return kept, []
    biased, tied_biased = _decide([vote.biased for vote in votes], way)
    category, tied_category = _decide([vote.category for vote in votes], way)
    undecided = [field for field, tied in (("biased", tied_biased), ("category", tied_category)) if tied]
    if tied_biased:  # what the annotators wrote stays in their votes
        return replace(kept, biased=None, category=None, references=()), undecided
    if biased is False:
        return replace(kept, biased=False, category="none", references=(example.text,)), undecided
    neutral = {comparison_key(text): text for vote in reversed(votes) for text in reversed(vote.neutral)}
    references = tuple(reversed(neutral.values()))
    return replace(kept, biased=biased, category=category, references=references), undecided


def _decide[ValueT: Hashable](votes: Sequence[ValueT | None], way: Way) -> tuple[ValueT | None, bool]:
    """Return what was decided, and whether a tie prevented it."""
    said = [vote for vote in votes if vote is not None]
    if not said or way == "first":
        return (said[0] if said else None), False
    ranked = Counter(said).most_common(2)
    tied = len(ranked) == 2 and ranked[0][1] == ranked[1][1]
    return (None if tied else ranked[0][0]), tied
