"""The balance of gender words: how often each stands in biased and in unbiased texts.

`gender_words.tsv` lists words with gender, kind (noun, title, kin, adjective, generic) and the forms that count as
them, written without half-spaces. A form counts where a whole word is it, half-spaces left out, so that زن‌ها, زنها
and زن ها do, and زن‌ستیز does not. It is a list of forms: مرد (he died) counts as a man.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources
from typing import Any

import regex

from gnb.auditing.findings import Finding, found, item_of
from gnb.auditing.sizes import LABELS
from gnb.core.records import Example
from gnb.core.text import comparison_key

_WORD = regex.compile(r"[\p{L}\p{M}]+(?:\u200c[\p{L}\p{M}]+)*")
_LEAST = 20
"""Texts that must hold a word before its share says anything."""
_SKEWED = 0.95
"""Share of a word's texts with one label from which a model may learn the word in place of the bias."""


@dataclass(frozen=True, slots=True)
class GenderWord:
    """A word of the list: its gender, "feminine" or "masculine", and its kind."""

    word: str
    gender: str
    kind: str


@dataclass(slots=True)
class WordCount:
    """How often a word occurs, and the biased, unbiased and unlabelled texts that hold it."""

    occurrences: int = 0
    biased: int = 0
    unbiased: int = 0
    unlabelled: int = 0

    def add(self, biased: bool | None, occurrences: int) -> None:
        """Count one text."""
        self.occurrences += occurrences
        setattr(self, LABELS[biased], getattr(self, LABELS[biased]) + 1)

    @property
    def biased_share(self) -> float | None:
        """The share, 0 to 1, of its labelled texts that are biased."""
        labelled = self.biased + self.unbiased
        return self.biased / labelled if labelled else None


@cache
def gender_forms() -> dict[str, GenderWord]:
    """Return the words of the list by each of their forms, as comparison keys."""
    lines = resources.files("gnb.auditing").joinpath("gender_words.tsv").read_text("utf-8").splitlines()
    forms: dict[str, GenderWord] = {}
    for line in lines[1:]:
        word, gender, kind, listed = line.split("\t")
        forms |= {comparison_key(form): GenderWord(word, gender, kind) for form in listed.split()}
    return forms


@cache
def gender_of(written: str) -> GenderWord | None:
    """Return the word of the list that a written word is a form of."""
    return gender_forms().get(comparison_key(written))


def gender_words_in(text: str) -> Counter[GenderWord]:
    """Return the words of the list that stand in a text, with how often."""
    return Counter(word for written in _WORD.findall(text) if (word := gender_of(written)))


def count_genders(examples: Sequence[Example]) -> dict[str, Any]:
    """Return the counts by gender and by word, the most common first, and the feminine-to-masculine log ratio."""
    words: dict[GenderWord, WordCount] = {}
    genders = {"feminine": WordCount(), "masculine": WordCount()}
    for example in examples:
        counts = gender_words_in(example.text)
        for word, times in counts.items():
            words.setdefault(word, WordCount()).add(example.biased, times)
        for gender, total in genders.items():
            if times := sum(number for word, number in counts.items() if word.gender == gender):
                total.add(example.biased, times)
    ranked = sorted(words.items(), key=lambda pair: (-pair[1].occurrences, pair[0].word))
    return {
        "genders": {gender: _values(count) for gender, count in genders.items()},
        "log2_feminine_to_masculine": _log_ratio(genders["feminine"].occurrences, genders["masculine"].occurrences),
        "words": [{**asdict(word), **_values(count)} for word, count in ranked],
    }


def check_genders(examples: Sequence[Example]) -> Iterator[Finding]:
    """Look for words whose texts nearly all have one label: a model may learn the word in place of the bias."""
    words: dict[GenderWord, list[Example]] = {}
    for example in examples:
        if example.biased is not None:
            for word in gender_words_in(example.text):
                words.setdefault(word, []).append(example)
    for word, holding in words.items():
        share = sum(bool(each.biased) for each in holding) / len(holding)
        if len(holding) >= _LEAST and not 1 - _SKEWED < share < _SKEWED:
            title = f"texts with «{word.word}», {share:.0%} of which are biased"
            yield from found("skewed-word", "warning", title, [item_of(each) for each in holding])


def _values(count: WordCount) -> dict[str, Any]:
    share = count.biased_share
    return {**asdict(count), "biased_share": None if share is None else round(share, 4)}


def _log_ratio(feminine: int, masculine: int) -> float | None:
    return round(math.log2(feminine / masculine), 4) if feminine and masculine else None
