"""Preservation: what a rewrite must leave alone, and whether it did.

Names are recognised by form alone, so that nothing is guessed: words in Latin script, quotations of up to four words
(titles of works), and the word after a courtesy title if it ends as Persian surnames do. Given names without such a
sign are not seen, and numbers only where they are written in digits.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache

import regex

from gnb.core.components import Column, Counts, Metric, Record, Scores
from gnb.core.records import Segment
from gnb.core.text import comparison_key, fold
from gnb.metrics.counting import ratio, sum_counts

_LINKS = regex.compile(r"(?:https?://|www\.)[^\s«»،؛]*[\w/=#&-]|[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_MENTIONS = regex.compile(r"@\w+(?:\.\w+)*")
_HASHTAGS = regex.compile(r"#\w+")
_NUMBER = r"\d+(?:[.,٫٬/:]\d+)*"
_NUMBERS = regex.compile(rf"\p{{L}}{_NUMBER}(*SKIP)(*FAIL)|{_NUMBER}")
"""Those inside words are skipped."""
_EMOJI = regex.compile(r"(?=[\p{Extended_Pictographic}\p{Regional_Indicator}])\X")
_NAMES = regex.compile(
    r"(?<!\w)\p{Latin}[\p{Latin}\d'-]+(?:\.\d+)*"
    r"|(?<=«)[^«»\s]+(?:\s+[^«»\s]+){0,3}(?=»)"
    r"|(?<!\w)(?:آقای|خانم|خانوم|دکتر|مهندس|استاد)\s+\K\w+(?:ی|یان|زاده|پور|نیا|فر|نژاد|راد|وند)(?!\w)"
)
# The order matters: what one pattern has taken, such as the digits of a link, is not there for the next.
_KINDS: Mapping[str, regex.Pattern[str]] = {
    "links": _LINKS,
    "mentions": _MENTIONS,
    "hashtags": _HASHTAGS,
    "names": _NAMES,
    "numbers": _NUMBERS,
    "emoji": _EMOJI,
}
_SEPARATORS = str.maketrans("٫٬", ".,")


class PreservationMetric(Metric):
    """The share of the input's links, @names, hashtags, names, numbers and emoji that the output still has.

    Each counts as often as it occurs. What the first reference drops may go, so that it does not count.
    """

    columns: Sequence[Column] = (Column("kept", "kept %", digits=1, scale=100),)

    def fingerprint(self) -> Record:
        """Return the name and the version of the rules."""
        return {"metric": "preservation", "version": 2}

    def count(self, segments: Sequence[Segment]) -> list[Counts]:
        """Count by kind what each segment should keep and what it keeps; nothing where there is nothing to keep."""
        return [_count(segment) for segment in segments]

    def score(self, counts: Sequence[Counts]) -> Scores:
        """Return `kept`, the share of everything, and for each kind its share and how many there were."""
        total = sum_counts(counts)
        wanted, kept = ({kind: total.get(f"{what}_{kind}", 0.0) for kind in _KINDS} for what in ("wanted", "kept"))
        return {
            "kept": ratio(sum(kept.values()), sum(wanted.values())),
            **{f"kept_{kind}": ratio(kept[kind], wanted[kind]) for kind in _KINDS},
            **{f"wanted_{kind}": wanted[kind] for kind in _KINDS},
        }


def _count(segment: Segment) -> Counts:
    example = segment.example
    counts: dict[str, float] = {}
    for kind, items in _items(example.text).items():
        wanted = _surviving(kind, items, example.references[0]) if example.references else items
        if wanted:
            counts[f"wanted_{kind}"] = wanted.total()
            counts[f"kept_{kind}"] = _surviving(kind, wanted, segment.hypothesis).total()
    return counts


@lru_cache(maxsize=4096)
def _items(text: str) -> Mapping[str, Counter[str]]:
    found = {}
    for kind, pattern in _KINDS.items():
        found[kind] = Counter(_key(kind, match.group()) for match in pattern.finditer(text))
        text = pattern.sub(" ", text)
    return found


def _key(kind: str, item: str) -> str:
    """Return what must be equal: the very characters of links and @names, of the rest all but spelling."""
    if kind in ("links", "mentions"):
        return item
    return fold(item) if kind == "names" else comparison_key(item.translate(_SEPARATORS))


def _surviving(kind: str, items: Counter[str], text: str) -> Counter[str]:
    """Return the items that a text still has. A name may have lost its title or its quotation marks."""
    if kind == "names":
        folded = fold(text)
        return items & Counter({name: len(_name_pattern(name).findall(folded)) for name in items})
    return items & _items(text)[kind]


@lru_cache(maxsize=4096)
def _name_pattern(name: str) -> regex.Pattern[str]:
    """Return what finds a folded name: not inside a word, though Persian endings may follow and its spaces may go."""
    return regex.compile(rf"(?<!\w){' ?'.join(map(regex.escape, name.split()))}(?!\p{{Latin}})")
