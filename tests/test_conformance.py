"""The conformance kit: our own components pass it, and each breach of a contract is found."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from gnb.core.components import Column, Metric, Rewriter, Source
from gnb.core.options import Options
from gnb.core.records import Example, Rewrite
from gnb.plugins import builtin, conformance, hookimpl
from gnb.plugins.conformance import ConformanceError
from gnb.plugins.manager import installed_plugins

REGISTRY = installed_plugins().registry
OPTIONS = Options()


def test_our_own_plugin_keeps_the_contract() -> None:
    registry = conformance.check_plugin(builtin)
    assert "copy" in registry.components["rewriter"]


def test_copy_keeps_the_contract() -> None:
    answers = conformance.check_rewriter(REGISTRY.create("rewriter", "copy", {}))
    assert [answer.text for answer in answers] == list(conformance.TEXTS)


@pytest.mark.parametrize("name", ["bleu", "edit", "preservation", "detection"])
def test_our_metrics_keep_the_contract(name: str) -> None:
    scores = conformance.check_metric(REGISTRY.create("metric", name, {}))
    assert scores


def test_our_sources_keep_the_contract(tmp_path: Path) -> None:
    (tmp_path / "Bias1.txt").write_text("متن: مرد که گریه نمی‌کند.\nخنثی: آدم که گریه نمی‌کند.\n", "utf-8")
    (tmp_path / "tweets.txt").write_text("مرد که گریه نمی‌کند.\nآدم که گریه نمی‌کند.\n", "utf-8")
    assert conformance.check_source(REGISTRY.create("source", "bundled", {}))
    assert conformance.check_source(REGISTRY.create("source", "chatgpt", {"path": str(tmp_path)}))
    assert conformance.check_source(REGISTRY.create("source", "tweets", {"path": str(tmp_path / "tweets.txt")}))


class Scripted(Rewriter):
    """Answers by a function of all texts."""

    answer = staticmethod(lambda texts: map(Rewrite, texts))

    def fingerprint(self) -> dict[str, object]:
        return {"rewriter": "scripted"}

    def rewrite(self, texts: Iterable[str]) -> Iterator[Rewrite]:
        return self.answer(texts)


def backwards(texts: Iterable[str]) -> Iterator[Rewrite]:
    return iter([Rewrite(f"{text}.") for text in list(texts)[::-1]])


def one_too_few(texts: Iterable[str]) -> Iterator[Rewrite]:
    return iter([Rewrite(text) for text in texts][1:])


def all_at_once(texts: Iterable[str]) -> Iterator[Rewrite]:
    yield from [Rewrite(text) for text in texts]


def numbered(texts: Iterable[str]) -> Iterator[Rewrite]:
    return (Rewrite(f"{text} {number}") for number, text in enumerate(texts))


def empty(texts: Iterable[str]) -> Iterator[Rewrite]:
    return (Rewrite("") for _ in texts)


def bare(texts: Iterable[str]) -> Iterator[str]:
    return iter(texts)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (backwards, "alone got"),
        (one_too_few, "6 texts got 5 answers"),
        (all_at_once, "took more than 1000 texts before it gave the first answer"),
        (numbered, "alone got"),
        (empty, "is empty"),
        (bare, "an answer is a str, not a Rewrite"),
    ],
)
def test_a_rewriter_that_breaks_the_contract_is_found(answer: object, message: str) -> None:
    rewriter = Scripted(OPTIONS)
    rewriter.answer = answer  # type: ignore[assignment]
    with pytest.raises(ConformanceError, match=message):
        conformance.check_rewriter(rewriter)


@pytest.mark.parametrize(
    ("completed", "message"),
    [
        ([], r"gave 6 texts the places \[\]"),
        ([(0, "الف")] * 6, r"gave 6 texts the places \[0, 0, 0, 0, 0, 0\]"),
        ([(place, "الف") for place in range(6)], "got 'الف' as completed, and"),
    ],
)
def test_answers_as_completed_that_break_the_contract_are_found(completed: list[tuple[int, str]], message: str) -> None:
    class Overtaking(Scripted):
        def rewrite_as_completed(self, texts: Iterable[str]) -> Iterator[tuple[int, Rewrite]]:
            return ((place, Rewrite(text)) for place, text in completed)

    with pytest.raises(ConformanceError, match=message):
        conformance.check_rewriter(Overtaking(OPTIONS))


def test_a_fingerprint_with_the_key_that_gnb_adds_is_found() -> None:
    class Posing(Scripted):
        def fingerprint(self) -> dict[str, object]:
            return {"class": "mine"}

    with pytest.raises(ConformanceError, match="its fingerprint has the key 'class', which gnb sets itself"):
        conformance.check_rewriter(Posing(OPTIONS))


def test_a_fingerprint_that_changes_is_found() -> None:
    class Moody(Scripted):
        calls = 0

        def fingerprint(self) -> dict[str, object]:
            self.calls += 1
            return {"calls": self.calls}

    with pytest.raises(ConformanceError, match="differs from one call to the next"):
        conformance.check_rewriter(Moody(OPTIONS))


class Listed(Source):
    """Yields the examples it was given, others at a second reading if told so."""

    def __init__(self, *readings: list[Example]) -> None:
        super().__init__(OPTIONS)
        self.readings = list(readings)

    def read(self, report: object) -> Iterator[Example]:
        yield from self.readings.pop(0) if len(self.readings) > 1 else self.readings[0]


@pytest.mark.parametrize(
    ("readings", "message"),
    [
        ([[]], "yielded no example"),
        ([[Example("1", "a"), Example("1", "b")]], "the same id"),
        ([[Example("1", "a")], [Example("2", "a")]], "a second read"),
        ([[Example("1", " ")]], "the text is blank"),
        ([[Example("1", "a", ("b",), biased=False)]], "an unbiased text's reference is the text itself"),
        ([[Example("", "a")]], "the id is empty"),
        ([[Example("1", "a", ("b", " "))]], "a reference is blank"),
        ([[Example("1", "a", "b")]], "references must be a tuple of texts, got 'b'"),
        ([[Example("1", "a", split="dev")]], "split must be one of train, validation, test, or None, got 'dev'"),
        ([[Example("1", "a", metadata={"x": {1}})]], "the metadata cannot be written as JSON"),
    ],
)
def test_a_source_that_breaks_the_contract_is_found(readings: list[list[Example]], message: str) -> None:
    with pytest.raises(ConformanceError, match=message):
        conformance.check_source(Listed(*readings))


class Lengths(Metric):
    """Mean length of the outputs in characters; its parts can be broken one by one."""

    columns = (Column("mean", "length", best=""),)

    def fingerprint(self) -> dict[str, object]:
        return {"metric": "lengths"}

    def count(self, segments: object) -> list[dict[str, float]]:
        return [{"length": float(len(segment.hypothesis))} for segment in segments]  # type: ignore[attr-defined]

    def score(self, counts: object) -> dict[str, float | None]:
        lengths = [count["length"] for count in counts]  # type: ignore[attr-defined]
        return {"mean": sum(lengths) / len(lengths) if lengths else None}


def test_a_sound_metric_passes() -> None:
    assert conformance.check_metric(Lengths(OPTIONS))["mean"] == pytest.approx(20.0, abs=15)


@pytest.mark.parametrize(
    ("method", "broken", "message"),
    [
        ("count", lambda segments: [{"length": 1.0}] * bool(segments), "6 segments got 1 counts"),
        ("count", lambda segments: [{"length": len(segments)} for _ in segments], "but alone"),
        ("count", lambda segments: [{"length": float("nan")} for _ in segments], "no finite numbers"),
        ("score", lambda counts: {}, "lack the columns"),
        ("score", lambda counts: {"mean": counts[0]["length"]}, "depends on the order"),
    ],
)
def test_a_metric_that_breaks_the_contract_is_found(method: str, broken: object, message: str) -> None:
    metric = Lengths(OPTIONS)
    setattr(metric, method, broken)
    with pytest.raises(ConformanceError, match=message):
        conformance.check_metric(metric)


def test_a_plugin_with_a_fault_is_found() -> None:
    @hookimpl
    def register_rewriters(register: object) -> None:
        register("Twin", "gnb.rewriters.copy:CopyRewriter", "Copies.")  # type: ignore[operator]

    with pytest.raises(ConformanceError, match="lower-case letters"):
        conformance.check_plugin(SimpleNamespace(register_rewriters=register_rewriters))
