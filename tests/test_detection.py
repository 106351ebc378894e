"""The metric `detection`: which texts are changed, and how well a rewriter's scores sort them."""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pytest

from gnb.core.comparison import compare
from gnb.core.components import Record, Rewriter
from gnb.core.options import Options
from gnb.core.records import Example, Rewrite, Segment
from gnb.core.store import Store
from gnb.metrics.detection import DetectionMetric


def judge(*outcomes: tuple[bool | None, str]) -> dict[str, float | None]:
    metric = DetectionMetric(Options())
    return dict(metric.score(metric.count([Segment(Example("1", "زن می‌رود", (), b), out) for b, out in outcomes])))


def test_shares_follow_from_what_was_changed() -> None:
    # biased: 2 changed, 1 not; unbiased: 1 changed, 3 not. P = 2/3, R = 2/3, F1 = 2/3, touched = 1/4
    same, other = "زن می‌رود", "او می‌رود"
    outcomes = [(True, other), (True, other), (True, same), (False, other), *[(False, same)] * 3]
    scores = judge(*outcomes)
    assert [scores[k] for k in ("precision", "recall", "f1", "touched")] == pytest.approx([2 / 3, 2 / 3, 2 / 3, 0.25])
    assert (scores["biased"], scores["unbiased"]) == (3, 4)


@pytest.mark.parametrize("output", ["زن می رود", "زن ميرود", " زن  می‌رود "])
def test_spelling_alone_is_no_change(output: str) -> None:
    assert judge((True, output))["recall"] == 0


def test_an_empty_output_is_a_change() -> None:
    assert judge((True, ""))["recall"] == 1


def test_unlabelled_texts_do_not_count() -> None:
    assert judge((None, "دیگر")) == judge()


def test_what_is_undefined_is_none() -> None:
    assert {judge()[key] for key in ("precision", "recall", "f1", "touched")} == {None}
    unbiased = judge((False, "زن می‌رود"))
    assert (unbiased["precision"], unbiased["recall"], unbiased["f1"], unbiased["touched"]) == (None, None, None, 0.0)
    assert judge((True, "او"))["touched"] is None


def auc(*noted: tuple[bool | None, Mapping[str, Any]]) -> float | None:
    metric = DetectionMetric(Options())
    segments = [Segment(Example("1", "زن", (), biased), "زن", details) for biased, details in noted]
    return metric.score(metric.count(segments))["auc"]


def test_the_area_under_the_roc_curve_follows_from_the_scores() -> None:
    # of the four pairs, one is in the wrong order and one a tie
    noted = [(True, 0.9), (True, 0.3), (False, 0.3), (False, 0.4)]
    assert auc(*((biased, {"probability": score}) for biased, score in noted)) == pytest.approx(2.5 / 4)


def test_a_probability_goes_before_a_margin() -> None:
    both = [(True, {"probability": 0.9, "margin": -1.0}), (False, {"probability": 0.1, "margin": 1.0})]
    assert auc(*both) == 1
    assert auc(*((biased, {"margin": details["margin"]}) for biased, details in both)) == 0


@pytest.mark.parametrize("useless", [{}, {"tokens": 3}, {"probability": None}, {"margin": math.nan}])
def test_texts_without_a_score_or_a_label_have_no_part_in_the_area(useless: dict[str, Any]) -> None:
    scored: list[tuple[bool | None, dict[str, Any]]] = [(True, {"margin": 2}), (False, {"margin": 1})]
    assert auc(*scored, (False, useless), (None, {"margin": 9})) == 1
    assert auc((True, useless), (False, useless)) is None


class NotingRewriter(Rewriter):
    """Copies, and notes of each text its length times a factor."""

    def __init__(self, factor: int) -> None:
        super().__init__(Options())
        self.factor = factor

    def fingerprint(self) -> Record:
        return {"factor": self.factor}

    def rewrite(self, texts: Iterable[str]) -> Iterator[Rewrite]:
        return (Rewrite(text, details={"margin": self.factor * len(text)}) for text in texts)


def test_equal_outputs_of_other_scores_are_judged_apart_and_from_the_store_alike(store: Store) -> None:
    examples = [Example("1", "زن می‌رود", (), True), Example("2", "زن", (), False)]
    rewriters = {"rising": NotingRewriter(1), "falling": NotingRewriter(-1)}
    found = []
    for _ in range(2):
        matrix = compare(examples, rewriters, {"detection": DetectionMetric(Options())}, store)
        found.append({row.label: row.cells["detection"].scores["auc"] for row in matrix.rows})
    assert found == [{"rising": 1.0, "falling": 0.0}] * 2
