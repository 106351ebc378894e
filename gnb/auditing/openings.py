"""Templated openings: the first words that many texts share."""

from collections.abc import Iterator, Sequence
from typing import Any

from gnb.auditing.findings import Finding, Severity, found, item_of
from gnb.core.records import Example
from gnb.core.text import fold

WORDS = (2, 3)
"""Words of an opening."""
_LEAST = 5
"""Texts that share an opening before it counts as a template."""
_SHOWN = 20
"""Openings that are named, the commonest."""
_HIGH = 0.2
"""Share of texts with a templated opening of three words from which it is worth a warning."""

Openings = dict[str, list[Example]]


def shared_openings(examples: Sequence[Example], words: int) -> Openings:
    """Return the texts by opening, the most common first; those that few texts share are left out."""
    groups: Openings = {}
    for example in examples:
        parts = fold(example.text).split()
        if len(parts) > words:
            groups.setdefault(" ".join(parts[:words]), []).append(example)
    common = [(opening, group) for opening, group in groups.items() if len(group) >= _LEAST]
    return dict(sorted(common, key=lambda pair: (-len(pair[1]), pair[0])))


def count_openings(examples: Sequence[Example]) -> dict[str, Any]:
    """Return, by the number of words, the share of texts that begin with a shared opening, and the commonest ones."""
    counts = {}
    for words in WORDS:
        sizes = {opening: len(group) for opening, group in shared_openings(examples, words).items()}
        share = sum(sizes.values()) / max(len(examples), 1)
        counts[str(words)] = {"share": round(share, 4), "common": dict(list(sizes.items())[:_SHOWN])}
    return counts


def check_openings(examples: Sequence[Example]) -> Iterator[Finding]:
    """Look for openings of three words that many texts share."""
    groups = shared_openings(examples, WORDS[-1])
    items = [item_of(each, opening) for opening, group in groups.items() for each in group]
    share = len(items) / max(len(examples), 1)
    severity: Severity = "warning" if share >= _HIGH else "note"
    title = f"texts ({share:.1%}) that share their first {WORDS[-1]} words, {_LEAST} or more of them"
    yield from found("opening", severity, title, items)
