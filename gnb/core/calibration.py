"""From a score, higher for biased texts, to a probability: Platt scaling, and what each threshold would do."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import pstdev
from typing import Any

SCORES = ("probability", "margin")
"""The keys of a rewrite's details that say how biased its text is, the preferred one first (see `Rewrite`)."""
DEFAULT_THRESHOLD = 0.55
"""The probability from which a detector's word is taken, unless the user says otherwise: the lowest one at which the
detector that ships has at most one in twenty of the unbiased validation texts touched (docs/tuning.md)."""
_ITERATIONS = 50
_DAMPING = 1e-9
_SMALLEST_STEP = 1e-6
"""Smaller shares of one of Newton's steps are not tried: the loss is as low as it gets."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """The probability of bias is the logistic function of `slope * score + intercept`.

    Platt 1999, "Probabilistic outputs for support vector machines".
    """

    slope: float = 1.0
    intercept: float = 0.0

    def probability(self, score: float) -> float:
        """Return the probability, 0 to 1, that belongs to a score."""
        return logistic(self.log_odds(score))

    def log_odds(self, score: float) -> float:
        """Return the log-odds of bias that belong to a score."""
        return self.slope * score + self.intercept

    def score(self, probability: float) -> float:
        """Return the score that belongs to a probability; minus and plus infinity to 0 and 1."""
        if probability in (0, 1):
            return math.inf if probability else -math.inf
        return (log_odds(probability) - self.intercept) / self.slope

    def then(self, later: "Calibration") -> "Calibration":
        """Return the calibration that does in one what `later` does to the log-odds that this one gives."""
        return Calibration(later.slope * self.slope, later.log_odds(self.intercept))


def noted_score(details: Mapping[str, Any]) -> tuple[str, float] | None:
    """Return the key and the value of the first score that a rewriter noted of a text, None if it noted none."""
    for key in SCORES:
        value = details.get(key)
        if isinstance(value, int | float) and math.isfinite(value):
            return key, float(value)
    return None


def logistic(value: float) -> float:
    """Return 1 / (1 + exp(-value)), whatever the value's size."""
    if value >= 0:
        return 1 / (1 + math.exp(-value))
    return math.exp(value) / (1 + math.exp(value))


def log_odds(probability: float) -> float:
    """Return log(p / (1 - p)) of a probability between 0 and 1, both excluded."""
    return math.log(probability / (1 - probability))


def fit(scores: Sequence[float], biased: Sequence[bool]) -> Calibration:
    """Return the calibration of largest likelihood.

    The targets are Platt's, slightly inside 0 and 1, so that separable scores give a finite slope. The scores are
    standardised for the search, so that neither their size nor their offset matters.
    """
    positive = sum(biased)
    negative = len(biased) - positive
    high, low = (positive + 1) / (positive + 2), 1 / (negative + 2)
    centre, width = math.fsum(scores) / len(scores), pstdev(scores) or 1.0
    pairs = [((score - centre) / width, high if flag else low) for score, flag in zip(scores, biased, strict=True)]
    found = Calibration(0.0, math.log((positive + 1) / (negative + 1)))
    for _ in range(_ITERATIONS):
        following = _step(found, pairs)
        if following == found:
            break
        found = following
    return Calibration(found.slope / width, found.intercept - found.slope * centre / width)


def _step(found: Calibration, pairs: Sequence[tuple[float, float]]) -> Calibration:
    """Return the calibration after one of Newton's steps, halved until the loss falls; the same where it cannot.

    Lin, Lin and Weng 2007, "A note on Platt's probabilistic outputs for support vector machines".

    Args:
        found: the calibration so far.
        pairs: scores and the probabilities that they should get.
    """
    probabilities = [found.probability(score) for score, _ in pairs]
    errors = [(target - each, score) for each, (score, target) in zip(probabilities, pairs, strict=True)]
    weights = [(each * (1 - each), score) for each, (score, _) in zip(probabilities, pairs, strict=True)]
    gradient = math.fsum(error * score for error, score in errors), math.fsum(error for error, _ in errors)
    square = math.fsum(weight * score * score for weight, score in weights) + _DAMPING
    cross = math.fsum(weight * score for weight, score in weights)
    total = math.fsum(weight for weight, _ in weights) + _DAMPING
    determinant = square * total - cross * cross
    slope = (total * gradient[0] - cross * gradient[1]) / determinant
    intercept = (square * gradient[1] - cross * gradient[0]) / determinant
    loss, size = _loss(found, pairs), 1.0
    while size > _SMALLEST_STEP:
        following = Calibration(found.slope + size * slope, found.intercept + size * intercept)
        if _loss(following, pairs) < loss:
            return following
        size /= 2
    return found


def _loss(calibration: Calibration, pairs: Sequence[tuple[float, float]]) -> float:
    """Return the cross entropy between the probabilities that scores should get and those that they get, in nats."""
    odds = [(calibration.log_odds(score), target) for score, target in pairs]
    return math.fsum(max(each, 0.0) - target * each + math.log1p(math.exp(-abs(each))) for each, target in odds)


def roc_auc(scores: Sequence[float], biased: Sequence[bool]) -> float | None:
    """Return the chance that a biased text scores higher than an unbiased one, ties counting half; None without both.

    Equal to the area under the ROC curve (Hanley and McNeil 1982), by the Mann-Whitney statistic.
    """
    positive = sum(biased)
    negative = len(biased) - positive
    if not positive or not negative:
        return None
    ranks = _mean_ranks(scores)
    total = sum(rank for rank, flag in zip(ranks, biased, strict=True) if flag)
    return (total - positive * (positive + 1) / 2) / (positive * negative)


def _mean_ranks(values: Sequence[float]) -> list[float]:
    """Return the rank of each value, from 1; equal values share the mean of their ranks."""
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end < len(order) and values[order[end]] == values[order[start]]:
            end += 1
        for place in order[start:end]:
            ranks[place] = (start + 1 + end) / 2
        start = end
    return ranks
