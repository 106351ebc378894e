"""How far annotators agree: raw agreement, Cohen's kappa for each pair, Krippendorff's alpha for all."""

import math
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import combinations
from typing import Any

from gnb.core.errors import InputError, MissingDependencyError
from gnb.core.records import Example
from gnb.labelling.votes import Vote, say_biased, votes_of

Labels = dict[str, dict[str, str]]
"""What each annotator said of each text: annotator, then id."""

_FIELDS: dict[str, Callable[[Vote], str | None]] = {
    "biased": lambda vote: say_biased(vote.biased) or None,
    "category": lambda vote: vote.category,
}


@dataclass(frozen=True, slots=True)
class Pair:
    """Two annotators: the texts that both labelled, the share they agree on, and Cohen's kappa.

    Kappa (Cohen 1960) is None where chance alone explains everything, as when both always say the same.
    """

    first: str
    second: str
    texts: int
    agreement: float | None
    kappa: float | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """One field: texts with two votes or more, the share of pairs of votes that agree, Krippendorff's alpha, the pairs.

    Alpha (Krippendorff 2011, nominal) copes with missing votes; None where only one label was ever given.
    """

    field: str
    annotators: int
    texts: int
    agreement: float | None
    alpha: float | None
    pairs: list[Pair]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A text that annotators label differently, and who said what."""

    id: str
    text: str
    field: str
    said: dict[str, str]


def measure(examples: Sequence[Example]) -> tuple[list[Agreement], list[Disagreement]]:
    """Return the agreement on each field, and the texts that annotators disagree about.

    Raises:
        InputError: if there are no votes of two annotators.
        MissingDependencyError: if the extra is not installed.
    """
    votes = {example.id: votes_of(example) for example in examples}
    annotators = {vote.annotator for own in votes.values() for vote in own}
    if len(annotators) < 2:
        raise InputError(
            f"Agreement needs the votes of two annotators; found {', '.join(sorted(annotators)) or 'none'}. "
            "gnb label import writes them."
        )
    found = [_measure(field, _labels(votes, say)) for field, say in _FIELDS.items()]
    return found, [each for example in examples for each in _disagreements(example, votes[example.id])]


def _labels(votes: dict[str, list[Vote]], say: Callable[[Vote], str | None]) -> Labels:
    labels: Labels = defaultdict(dict)
    for key, own in votes.items():
        for vote in own:
            if (label := say(vote)) is not None:
                labels[vote.annotator][key] = label
    return dict(sorted(labels.items()))


def _measure(field: str, labels: Labels) -> Agreement:
    pairs = [_pair(first, second, labels) for first, second in combinations(labels, 2)]
    compared = sum(pair.texts for pair in pairs)
    same = sum((pair.agreement or 0) * pair.texts for pair in pairs)
    voted = Counter(key for own in labels.values() for key in own)
    texts = sum(count > 1 for count in voted.values())
    return Agreement(field, len(labels), texts, same / compared if compared else None, _alpha(labels), pairs)


def _pair(first: str, second: str, labels: Labels) -> Pair:
    both = [key for key in labels[first] if key in labels[second]]
    ours, theirs = [labels[first][key] for key in both], [labels[second][key] for key in both]
    same = sum(map(str.__eq__, ours, theirs)) / len(both) if both else None
    return Pair(first, second, len(both), same, _kappa(ours, theirs))


def _kappa(first: Sequence[str], second: Sequence[str]) -> float | None:
    metrics = _import("sklearn.metrics")
    if len({*first, *second}) < 2:
        return None
    with warnings.catch_warnings(action="ignore"):
        kappa = float(metrics.cohen_kappa_score(first, second))
    return None if math.isnan(kappa) else kappa


def _alpha(labels: Labels) -> float | None:
    krippendorff = _import("krippendorff")
    keys = list(dict.fromkeys(key for own in labels.values() for key in own))
    values = sorted({label for own in labels.values() for label in own.values()})
    codes = {label: float(code) for code, label in enumerate(values)}
    data = [[codes[own[key]] if key in own else float("nan") for key in keys] for own in labels.values()]
    if len(values) < 2 or not any(sum(key in own for own in labels.values()) > 1 for key in keys):
        return None
    alpha = float(krippendorff.alpha(reliability_data=data, level_of_measurement="nominal"))
    return None if math.isnan(alpha) else alpha


def _import(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        raise MissingDependencyError(f"Agreement needs {name}. Install: pip install 'gnb[labelling]'") from None


def _disagreements(example: Example, votes: Sequence[Vote]) -> list[Disagreement]:
    found = []
    for field, say in _FIELDS.items():
        said = {vote.annotator: label for vote in votes if (label := say(vote)) is not None}
        if len(set(said.values())) > 1:
            found.append(Disagreement(example.id, example.text, field, said))
    return found
