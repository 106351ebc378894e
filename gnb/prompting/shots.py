"""Few-shot examples, drawn from the training split alone, so that no judged text is among them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, groupby, zip_longest
from operator import attrgetter
from typing import ClassVar

from gnb.core.components import Record
from gnb.core.errors import SettingsError
from gnb.core.fingerprint import hash_text, hash_texts
from gnb.core.reading import read_source
from gnb.core.records import Example
from gnb.core.splitting import shuffle_rank, split_examples
from gnb.core.text import comparison_key, fold
from gnb.prompting.options import ShotsKind

PER_CATEGORY, NEAREST = 1, 8
"""How many examples are shown where nobody says it: of each category, or most like the text."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One example: a text and the preferred one of its neutral forms."""

    text: str
    neutral: str


class Shots:
    """The same examples for every text; none is a choice, too.

    Attributes:
        are_shared: whether all texts are shown the same ones.
    """

    are_shared: ClassVar[bool] = True

    def __init__(self, kind: ShotsKind, count: int, pool: Sequence[Shot]) -> None:
        self.kind = kind
        self.count = count
        self.pool = pool

    def for_text(self, text: str) -> Sequence[Shot]:
        """Return the examples to show before a text, in the order to show them in."""
        return self.pool

    def fingerprint(self) -> Record:
        """Return the kind, the number, and the hash of all that may be shown."""
        content = hash_texts(chain.from_iterable((shot.text, shot.neutral) for shot in self.pool))
        return {"kind": self.kind, "count": self.count, "hash": content}

    def shown_keys(self) -> frozenset[str]:
        """Return `hash_text(comparison_key(text))` of each text that is shown whatever is asked."""
        return frozenset(hash_text(comparison_key(shot.text)) for shot in self.pool)


class SimilarShots(Shots):
    """The examples most like the text, the most similar one last, next to the question.

    The text itself and its near-duplicates are never among them.
    """

    are_shared = False

    @cached_property
    def _folded(self) -> list[str]:
        return [fold(shot.text) for shot in self.pool]

    def for_text(self, text: str) -> Sequence[Shot]:
        """Return the nearest examples by the words in common, whatever their order.

        Of rapidfuzz's measures this one's neighbours agree most often with a validation text in being biased (63 %).
        """
        from rapidfuzz import fuzz, process

        found = process.extract(fold(text), self._folded, scorer=fuzz.token_set_ratio, limit=None)
        key = comparison_key(text)
        nearest: list[Shot] = []
        for _, _, place in found:
            if len(nearest) == self.count:
                break
            if not _is_near_duplicate(key, comparison_key(self.pool[place].text)):
                nearest.append(self.pool[place])
        return nearest[::-1]

    def shown_keys(self) -> frozenset[str]:
        """Return nothing: no text is ever shown its own answer."""
        return frozenset()


def build_shots(kind: ShotsKind, count: int | None, source: str) -> Shots:
    """Read the examples that a kind of shots chooses from.

    Args:
        kind: "zero", "category" or "similar".
        count: of each category, or of similar ones; None for the default.
        source: NAME or NAME:ARGUMENT of a source; read only where examples are wanted.

    Raises:
        UnknownNameError, MissingDependencyError, InputError, SettingsError: if the source cannot be read.
        SettingsError: if its training split holds no text with a reference.
    """
    if kind == "zero":
        return Shots(kind, 0, ())
    pool = _training_examples(source)
    if kind == "similar":
        return SimilarShots(kind, count or NEAREST, [_shot(example) for example in pool])
    count = count or PER_CATEGORY
    return Shots(kind, count, [_shot(example) for example in _by_category(pool, count)])


def _training_examples(source: str) -> list[Example]:
    """Return the training texts of a source that have references, in an order of their own, the same everywhere."""
    from gnb.core.settings import Settings
    from gnb.plugins.manager import installed_plugins

    registry = installed_plugins().registry
    choice = Settings().choose("source", source, registry)
    examples, _ = read_source(registry.create("source", choice.name, choice.values))
    found = [each for each in split_examples(list(examples)) if each.split == "train" and each.references]
    if not found:
        raise SettingsError(f"shot_source {source!r}: its training split holds no text with a neutral form to show.")
    return sorted(found, key=lambda example: (shuffle_rank(comparison_key(example.text), 0), example.id))


def _by_category(pool: Sequence[Example], count: int) -> list[Example]:
    """Take so many biased texts of each category and as many unbiased ones, in turns."""
    biased = sorted((example for example in pool if _is_biased(example)), key=lambda each: each.category or "")
    groups = [list(group)[:count] for _, group in groupby(biased, key=attrgetter("category"))]
    chosen = [example for row in zip_longest(*groups) for example in row if example]
    unbiased = [example for example in pool if not _is_biased(example)][: len(chosen) or count]
    return [example for pair in zip_longest(chosen, unbiased) for example in pair if example]


def _is_biased(example: Example) -> bool:
    return example.text not in example.references if example.biased is None else example.biased


def _shot(example: Example) -> Shot:
    return Shot(example.text, example.references[0])


def _is_near_duplicate(one: str, other: str) -> bool:
    from rapidfuzz import fuzz

    from gnb.core.similarity import THRESHOLD

    return fuzz.ratio(one, other) >= THRESHOLD
