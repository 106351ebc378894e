"""From a score, higher for biased texts, to a probability: Platt scaling, and what each threshold would do."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

_ITERATIONS = 50
_DAMPING = 1e-9
_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Calibration:
    """The probability of bias is the logistic function of `slope * score + intercept`.

    Platt 1999, "Probabilistic outputs for support vector machines".
    """

    slope: float = 1.0
    intercept: float = 0.0

    def probability(self, score: float) -> float:
        """Return the probability, 0 to 1, that belongs to a score."""
        return logistic(self.slope * score + self.intercept)

    def score(self, probability: float) -> float:
        """Return the score that belongs to a probability; minus and plus infinity to 0 and 1."""
        if probability in (0, 1):
            return math.inf if probability else -math.inf
        return (math.log(probability / (1 - probability)) - self.intercept) / self.slope


def logistic(value: float) -> float:
    """Return 1 / (1 + exp(-value)), whatever the value's size."""
    if value >= 0:
        return 1 / (1 + math.exp(-value))
    return math.exp(value) / (1 + math.exp(value))


def fit(scores: Sequence[float], biased: Sequence[bool]) -> Calibration:
    """Return the calibration of largest likelihood, found by Newton's method.

    The targets are Platt's, slightly inside 0 and 1, so that separable scores give a finite slope.
    """
    positive = sum(biased)
    negative = len(biased) - positive
    high, low = (positive + 1) / (positive + 2), 1 / (negative + 2)
    targets = [high if flag else low for flag in biased]
    slope, intercept = 0.0, math.log((positive + 1) / (negative + 1))
    for _ in range(_ITERATIONS):
        probabilities = [logistic(slope * score + intercept) for score in scores]
        errors = [target - found for target, found in zip(targets, probabilities, strict=True)]
        spread = [found * (1 - found) for found in probabilities]
        gradient = math.sumprod(errors, scores), sum(errors)
        cross = math.sumprod(spread, scores)
        square = math.fsum(weight * score * score for weight, score in zip(spread, scores, strict=True)) + _DAMPING
        total = sum(spread) + _DAMPING
        determinant = square * total - cross * cross
        steps = (
            (total * gradient[0] - cross * gradient[1]) / determinant,
            (square * gradient[1] - cross * gradient[0]) / determinant,
        )
        slope, intercept = slope + steps[0], intercept + steps[1]
        if max(map(abs, steps)) < _TOLERANCE:
            break
    return Calibration(slope, intercept)


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
