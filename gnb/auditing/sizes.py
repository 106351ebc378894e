"""How much there is of what: splits, labels, categories, registers, and lengths in words."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from gnb.core.records import SPLITS, Example

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
LABELS = {True: "biased", False: "unbiased", None: "unlabelled"}


def count_sizes(examples: Sequence[Example]) -> dict[str, Any]:
    """Return the numbers of texts by split, label, category and register, and the quantiles of the lengths."""
    return {
        "texts": len(examples),
        "references": sum(len(example.references) for example in examples),
        "splits": _ordered((example.split or "none" for example in examples), (*SPLITS, "none")),
        "labels": _ordered((LABELS[example.biased] for example in examples), tuple(LABELS.values())),
        "categories": _common(example.category for example in examples),
        "registers": _common(example.metadata.get("register") for example in examples),
        "words": _quantiles(words_in(example.text) for example in examples),
        "reference_words": _quantiles(words_in(text) for example in examples for text in example.references),
        "word_histogram": _histogram(words_in(example.text) for example in examples),
    }


def words_in(text: str) -> int:
    """Return the number of words between white space; half-spaces join a word."""
    return len(text.split())


def _ordered(names: Iterable[str], order: Sequence[str]) -> dict[str, int]:
    counts = Counter(names)
    return {name: counts[name] for name in order if counts[name]}


def _common(names: Iterable[object]) -> dict[str, int]:
    counts = Counter(str(name) for name in names if name is not None)
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def _quantiles(lengths: Iterable[int]) -> dict[str, int]:
    """Return the quantiles by nearest rank, each the length of some text; none for no texts."""
    ranked = sorted(lengths)
    return {f"{share:.0%}": ranked[round(share * (len(ranked) - 1))] for share in QUANTILES} if ranked else {}


def _histogram(lengths: Iterable[int]) -> dict[str, int]:
    """Return the number of texts in ranges of five words; the last range is open."""
    counts = Counter(min((max(length, 1) - 1) // 5, 11) for length in lengths)
    names = [f"{5 * place + 1}–{5 * place + 5}" for place in range(11)] + ["56+"]
    return {name: counts[place] for place, name in enumerate(names) if place <= max(counts, default=-1)}
