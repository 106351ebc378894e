"""The metric `cost`: what answers took, noted when they were made."""

import time
from collections.abc import Iterable, Iterator
from itertools import batched
from typing import Any

import pytest

from gnb.core.comparison import compare
from gnb.core.components import Record, Rewriter
from gnb.core.options import Options
from gnb.core.records import Example, Rewrite, Segment
from gnb.core.store import Store
from gnb.metrics.cost import CostMetric

TEXTS = [f"متن {number}" for number in range(5)]
EXAMPLES = [Example(str(number), text, (text,), False) for number, text in enumerate(TEXTS)]
HELD = 200_000_000


class Busy(Rewriter):
    """Takes 0.02 s a text, and holds some memory for a while."""

    def fingerprint(self) -> Record:
        return {"busy": 1}

    def rewrite(self, texts: Iterable[str]) -> Iterator[Rewrite]:
        held = b"\1" * HELD
        time.sleep(0.2)
        del held
        for text in texts:
            time.sleep(0.02)
            yield Rewrite(text, details={"tokens": 3, "prompt_tokens": 10, "cost": 0.25})


def judge(*details: dict[str, Any]) -> dict[str, float | None]:
    metric = CostMetric(Options())
    return dict(metric.score(metric.count([Segment(EXAMPLES[0], "متن", each) for each in details])))


def test_what_answers_took_adds_up() -> None:
    scores = judge(
        {"seconds": 1.5, "memory": 2e9, "tokens": 4, "cost": 0.1}, {"seconds": 0.5, "memory": 3e9, "tokens": 6}
    )
    assert scores == pytest.approx(
        {"speed": 1.0, "tokens": 5.0, "memory": 3.0, "money": 0.1, "seconds": 2.0, "prompt_tokens": None}
    )


def test_what_is_no_number_counts_as_not_noted() -> None:
    assert set(judge({"cost": "free", "tokens": None, "memory": True}).values()) == {None}


def test_what_nobody_noted_is_undefined() -> None:
    assert set(judge({}).values()) == {None}


def test_a_comparison_measures_time_and_memory_and_keeps_them(store: Store) -> None:
    first, second = (compare(EXAMPLES, {"busy": Busy(Options())}, {"cost": CostMetric(Options())}, store) for _ in "12")
    scores = first.rows[0].cells["cost"].scores
    assert scores["seconds"] >= 0.2 + 5 * 0.02
    assert scores["speed"] == pytest.approx(5 / scores["seconds"])
    assert scores["memory"] >= HELD / 1e9
    assert (scores["tokens"], scores["prompt_tokens"], scores["money"]) == (3, 50, 1.25)
    assert second.rows[0].cells["cost"].scores == scores


class Windowed(Rewriter):
    """Takes 0.2 s for two texts together."""

    def fingerprint(self) -> Record:
        return {"windowed": 1}

    def rewrite(self, texts: Iterable[str]) -> Iterator[Rewrite]:
        for window in batched(texts, 2):
            time.sleep(0.2)
            yield from map(Rewrite, window)


def seconds(store: Store, texts: list[str]) -> list[float]:
    examples = [example for example in EXAMPLES if example.text in texts]
    matrix = compare(examples, {"windowed": Windowed(Options())}, {"cost": CostMetric(Options())}, store)
    answers = store.outputs(matrix.rows[0].fingerprint, texts)
    total = sum(each.details["seconds"] for each in answers.values())
    assert matrix.rows[0].cells["cost"].scores["seconds"] == pytest.approx(total)
    return [answers[text].details["seconds"] for text in texts]


def test_texts_that_were_answered_together_share_the_seconds_equally(store: Store) -> None:
    first, second, third, fourth, fifth = seconds(store, TEXTS)
    assert first == second >= 0.1
    assert third == fourth >= 0.1
    assert fifth >= 0.2
    assert seconds(store, TEXTS[1:2]) == [second]


def test_what_was_answered_before_ctrl_c_is_shared_too(store: Store) -> None:
    class Interrupted(Windowed):
        def rewrite(self, texts: Iterable[str]) -> Iterator[Rewrite]:
            for number, answer in enumerate(super().rewrite(list(texts))):
                if number == 2:
                    raise KeyboardInterrupt
                yield answer

    with pytest.raises(KeyboardInterrupt):
        compare(EXAMPLES, {"windowed": Interrupted(Options())}, {}, store)
    [fingerprint] = [record for (record,) in store.read("SELECT DISTINCT fingerprint FROM outputs")]
    first, second = [each.details["seconds"] for each in store.outputs(fingerprint, TEXTS).values()]
    assert first == second >= 0.1


def test_seconds_that_a_rewriter_notes_itself_stay_its_own(store: Store) -> None:
    class Noting(Windowed):
        def rewrite(self, texts: Iterable[str]) -> Iterator[Rewrite]:
            return (Rewrite(text, details={"seconds": 7.0}) for text in list(texts))

    matrix = compare(EXAMPLES, {"noting": Noting(Options())}, {"cost": CostMetric(Options())}, store)
    assert matrix.rows[0].cells["cost"].scores["seconds"] == 35.0
