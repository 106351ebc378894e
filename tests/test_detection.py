"""The metric `detection`: which texts are changed."""

import pytest

from gnb.core.options import Options
from gnb.core.records import Example, Segment
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
