"""From several votes to one label."""

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Literal

from gnb.core.records import Example
from gnb.core.text import comparison_key
from gnb.labelling.votes import Labelled, Vote, with_votes

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
    biased, tied = _decide([_label(vote) for vote in votes], way)
    if tied:  # what the annotators wrote stays in their votes
        return replace(kept, biased=None, category=None, references=()), ["biased"]
    biased = example.biased if biased is None else biased
    if biased is False:
        return replace(kept, biased=False, category="none", references=(example.text,)), []
    said = [vote.category for vote in votes if _label(vote) is not False and vote.category != "none"]
    category, tied = _decide(said, way)
    neutral = {comparison_key(text): text for vote in reversed(votes) for text in reversed(vote.neutral)}
    references = tuple(reversed(neutral.values()))
    if example.biased is not False:  # else what the source said was about an unbiased text
        category = category if category or tied else example.category
        references = references or example.references
    return replace(kept, biased=biased, category=category, references=references), ["category"] if tied else []


def _label(vote: Vote) -> bool | None:
    """Return whether an annotator found the text biased; the category "none" alone says that it is not."""
    return False if vote.biased is None and vote.category == "none" else vote.biased


def _decide[ValueT: Hashable](votes: Sequence[ValueT | None], way: Way) -> tuple[ValueT | None, bool]:
    """Return what was decided, and whether a tie prevented it."""
    said = [vote for vote in votes if vote is not None]
    if not said or way == "first":
        return (said[0] if said else None), False
    ranked = Counter(said).most_common(2)
    tied = len(ranked) == 2 and ranked[0][1] == ranked[1][1]
    return (None if tied else ranked[0][0]), tied
