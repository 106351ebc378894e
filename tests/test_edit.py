"""The metric `edit`: edits made against edits wanted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnb.core.options import Options
from gnb.core.records import Example, Segment
from gnb.metrics.edit import EditMetric

TEXT = "یک راننده زن باعث ترافیک شد"
DROPPED = "یک راننده باعث ترافیک شد"
WORDS = st.lists(st.sampled_from(["زن", "مرد", "همه", "می‌رود", "خوب", "است", "."]), min_size=1, max_size=8).map(
    " ".join
)


def judge(*segments: tuple[str, tuple[str, ...], str, bool]) -> dict[str, float | None]:
    metric = EditMetric(Options())
    made = [Segment(Example("1", text, references, biased), output) for text, references, output, biased in segments]
    return dict(metric.score(metric.count(made)))


@pytest.mark.parametrize(
    ("output", "right", "wrong", "missed"),
    [
        (DROPPED, 1, 0, 0),
        (TEXT, 0, 0, 1),
        # one edit is made (زن ← مرد) and another wanted (زن dropped)
        ("یک راننده مرد باعث ترافیک شد", 0, 1, 1),
        # the wanted edit, and one more at the end
        ("یک راننده باعث ترافیک بود", 1, 1, 0),
        ("یک راننده باعث ترافيك شد", 1, 0, 0),
        ("", 0, 1, 1),
    ],
)
def test_edits_are_counted_against_the_reference(output: str, right: int, wrong: int, missed: int) -> None:
    scores = judge((TEXT, (DROPPED,), output, True))
    assert (scores["right"], scores["wrong"], scores["missed"]) == (right, wrong, missed)


def test_scores_follow_from_the_sums() -> None:
    # right 1, wrong 1, missed 1 + right 1: P = 2/3, R = 2/3; F0.5 = 1.25*2 / (1.25*2 + 0.25*1 + 1) = 2/3
    first = (TEXT, (DROPPED,), DROPPED, True)
    second = (TEXT, (DROPPED,), "یک راننده مرد باعث ترافیک شد", True)
    third = (TEXT, (DROPPED,), DROPPED, True)
    scores = judge(first, second, third)
    assert [scores[key] for key in ("precision", "recall", "f05")] == pytest.approx([2 / 3, 2 / 3, 2 / 3])


def test_precision_weighs_twice_as_much_as_recall() -> None:
    # wanted: two edits; made: one of them. P = 1, R = 1/2; F0.5 = 1.25 * 0.5 / (0.25 + 0.5) = 5/6
    scores = judge(("زن زرنگ است و مرد قوی", ("فرد زرنگ است و هر کس قوی",), "فرد زرنگ است و مرد قوی", True))
    assert [scores[key] for key in ("precision", "recall", "f05")] == pytest.approx([1.0, 0.5, 5 / 6])


def test_the_reference_that_suits_best_counts() -> None:
    scores = judge((TEXT, ("یک نفر باعث ترافیک شد", DROPPED), DROPPED, True))
    assert (scores["right"], scores["wrong"], scores["missed"]) == (1, 0, 0)


@pytest.mark.parametrize("references", [(TEXT,), ()])
def test_every_edit_of_an_unbiased_text_is_wrong(references: tuple[str, ...]) -> None:
    scores = judge((TEXT, references, DROPPED, False))
    assert (scores["precision"], scores["recall"], scores["f05"]) == (0.0, None, 0.0)


def test_what_is_undefined_is_none() -> None:
    nothing = {"precision": None, "recall": None, "f05": None, "right": 0, "wrong": 0, "missed": 0}
    assert judge() == nothing
    assert judge((TEXT, (), DROPPED, True)) == nothing
    assert judge((TEXT, (TEXT,), TEXT, False)) == nothing
    assert judge((TEXT, (DROPPED,), TEXT, True))["precision"] is None


@given(WORDS, WORDS)
def test_copying_finds_nothing_and_the_reference_finds_everything(text: str, reference: str) -> None:
    copied, perfect = judge((text, (reference,), text, True)), judge((text, (reference,), reference, True))
    assert copied["recall"] in (0.0, None)
    assert copied["right"] == copied["wrong"] == 0
    assert perfect["f05"] in (1.0, None)
    assert perfect["wrong"] == perfect["missed"] == 0
