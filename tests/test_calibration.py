"""Calibration: the fit of largest likelihood, the area under the ROC curve, and the way between scores and odds."""

import math
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnb.core.calibration import Calibration, fit, log_odds, logistic, noted_score, roc_auc

scores = st.floats(-1e3, 1e3).map(lambda value: round(value, 3))
labelled = st.lists(st.tuples(scores, st.booleans()), min_size=1, max_size=25)
slopes = st.floats(0.01, 100)


def loss(calibration: Calibration, pairs: list[tuple[float, bool]]) -> float:
    """The cross entropy with Platt's targets, written out anew."""
    positive = sum(flag for _, flag in pairs)
    high, low = (positive + 1) / (positive + 2), 1 / (len(pairs) - positive + 2)
    total = 0.0
    for score, flag in pairs:
        odds, target = calibration.slope * score + calibration.intercept, high if flag else low
        total += max(odds, 0) - target * odds + math.log1p(math.exp(-abs(odds)))
    return total


def split(pairs: list[tuple[float, bool]]) -> tuple[list[float], list[bool]]:
    return [score for score, _ in pairs], [flag for _, flag in pairs]


@pytest.mark.parametrize(
    "pairs",
    [
        [(-2.0, False), (-1.0, True), (0.5, False), (1.5, True), (3.0, True)],
        [(-1.0, False), (1.0, True)],
        [(-300.0, False), (-200.0, False), (-250.0, True), (5e4, True)],
        [(87.001, True), (87.002, False), (87.0035, True), (87.0001, False), (87.004, True)],
        [(0.1 * step, step % 3 == 0) for step in range(60)],
    ],
    ids=["mixed", "separable", "outlier", "far from 0", "even"],
)
def test_the_fit_is_what_a_general_optimiser_finds(pairs: list[tuple[float, bool]]) -> None:
    from scipy.optimize import minimize

    found = fit(*split(pairs))
    centre = sum(score for score, _ in pairs) / len(pairs)
    width = max(abs(score - centre) for score, _ in pairs)
    near = [((score - centre) / width, flag) for score, flag in pairs]
    best = minimize(lambda at: loss(Calibration(*at), near), [0, 0], method="Nelder-Mead", options={"fatol": 1e-12})
    assert loss(found, pairs) == pytest.approx(best.fun, abs=1e-6)
    assert found.slope * width == pytest.approx(best.x[0], rel=1e-2, abs=1e-2)


def test_a_fit_without_knowledge_gives_the_share_of_biased_texts() -> None:
    # 3 of 4 are biased: Platt's targets are 4/5 and 1/3, their mean (3 * 4/5 + 1/3) / 4
    found = fit([2.0] * 4, [True, True, True, False])
    assert found.probability(2.0) == pytest.approx((3 * 0.8 + 1 / 3) / 4)


@given(labelled)
def test_no_neighbour_of_the_fit_is_better(pairs: list[tuple[float, bool]]) -> None:
    found = fit(*split(pairs))
    assert math.isfinite(found.slope)
    assert math.isfinite(found.intercept)
    least = loss(found, pairs)
    for up, aside in product((-1e-3, 0, 1e-3), repeat=2):
        neighbour = Calibration(found.slope * (1 + up), found.intercept + aside)
        assert loss(neighbour, pairs) >= least - 1e-6


@given(st.lists(scores, min_size=2, max_size=20, unique=True))
def test_separable_scores_give_a_finite_rising_calibration(values: list[float]) -> None:
    values = sorted(values)
    found = fit(values, [place >= len(values) / 2 for place in range(len(values))])
    assert 0 < found.slope < math.inf


@given(labelled)
def test_the_area_is_the_share_of_pairs_in_the_right_order(pairs: list[tuple[float, bool]]) -> None:
    positive = [score for score, flag in pairs if flag]
    negative = [score for score, flag in pairs if not flag]
    wins = [1.0 if high > low else 0.5 if high == low else 0.0 for high in positive for low in negative]
    found = roc_auc(*split(pairs))
    assert found is None if not wins else found == pytest.approx(sum(wins) / len(wins))


def test_known_areas() -> None:
    assert roc_auc([1, 2, 3, 4], [False, False, True, True]) == 1
    assert roc_auc([1, 2, 3, 4], [True, True, False, False]) == 0
    assert roc_auc([7, 7, 7], [True, False, False]) == 0.5
    assert roc_auc([1, 2, 3, 4], [False, True, False, True]) == 0.75
    assert roc_auc([1, 2], [True, True]) is None
    assert roc_auc([], []) is None


@given(st.floats(1e-6, 1 - 1e-6), slopes, st.floats(-20, 20))
def test_score_and_probability_are_each_others_inverse(probability: float, slope: float, intercept: float) -> None:
    calibration = Calibration(slope, intercept)
    assert calibration.probability(calibration.score(probability)) == pytest.approx(probability, rel=1e-6)
    assert logistic(log_odds(probability)) == pytest.approx(probability)


def test_the_ends_are_infinite_and_huge_scores_do_not_overflow() -> None:
    assert (Calibration().score(0), Calibration().score(1)) == (-math.inf, math.inf)
    assert (logistic(-1e9), logistic(1e9)) == (0, 1)


@given(scores, slopes, st.floats(-20, 20), slopes, st.floats(-20, 20))
def test_two_calibrations_make_one(score: float, slope: float, intercept: float, other: float, shift: float) -> None:
    first, second = Calibration(slope, intercept), Calibration(other, shift)
    assert first.then(second).log_odds(score) == pytest.approx(second.log_odds(first.log_odds(score)), abs=1e-6)


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ({}, None),
        ({"margin": -2}, ("margin", -2.0)),
        ({"margin": 3.5, "probability": 0.25}, ("probability", 0.25)),
        ({"probability": "high", "margin": 1.0}, ("margin", 1.0)),
        ({"probability": math.nan}, None),
        ({"margin": math.inf}, None),
        ({"tokens": 7}, None),
    ],
)
def test_the_score_that_a_rewriter_noted(details: dict[str, object], expected: tuple[str, float] | None) -> None:
    assert noted_score(details) == expected
