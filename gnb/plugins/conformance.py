"""The contracts of `gnb.core.components` as checks that a plugin author calls from his own tests.

    from gnb.plugins import conformance

    def test_contract():
        conformance.check_rewriter(MyRewriter(MyOptions()))

Each check raises ConformanceError, an AssertionError, which says what the component did and what it should do.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from gnb.core.components import Column, Counts, Metric, Rewriter, Source
from gnb.core.fingerprint import canonical_json
from gnb.core.reading import fault_of
from gnb.core.records import Example, Problem, Rewrite, Segment
from gnb.core.registry import Registry
from gnb.plugins.describe import all_components
from gnb.plugins.manager import Plugins, add_plugin

TEXTS = (
    "دولتمردان باید قول مردانه بدهند.",
    "برای فردا باران پیش‌بینی شده است.",
    "باز یه خانوم پشت فرمون و یه ملت گیر ترافیک 😂 #تهران @user_12 https://example.org/a?b=1",
    "كتاب علي در سال ۱۴۰۲ چاپ شد",
    "",
    "مرد که گریه نمی‌کند.",
)
"""Biased and unbiased, formal and a tweet, Arabic letters, half-spaces, an emoji, a link, and an empty text."""

SEGMENTS = (
    Segment(Example("1", TEXTS[0], ("مقامات باید قول محکم بدهند.", "همه باید قول محکم بدهند."), True), TEXTS[0]),
    Segment(Example("2", TEXTS[0], ("مقامات باید قول محکم بدهند.",), True), "مقامات باید قول محکم بدهند."),
    Segment(Example("3", TEXTS[1], (TEXTS[1],), False), TEXTS[1]),
    Segment(Example("4", TEXTS[1], (TEXTS[1],), False), "فردا باران می‌آید."),
    Segment(Example("5", TEXTS[5], (), True), "آدم گریه نمی‌کند."),
    Segment(Example("6", TEXTS[2], (TEXTS[2],)), ""),
)
"""A copy, a perfect answer, an untouched and a touched unbiased text, no reference, no label, an empty answer."""


class ConformanceError(AssertionError):
    """A component breaks the contract of its kind."""


def check_plugin(plugin: object) -> Registry:
    """Check that a plugin registers without fault and that each component it announces can be imported.

    Args:
        plugin: the module or object that the entry point names.

    Returns:
        A registry with the plugin's components alone, for the other checks.
    """
    plugins = Plugins()
    add_plugin(plugins, plugin, "plugin", "this distribution")
    _require(not plugins.broken, "; ".join(broken.reason for broken in plugins.broken))
    components = all_components(plugins.registry)
    _require(bool(components), "it announces no component")
    for component in components:
        component.import_class()
    return plugins.registry


def check_source(source: Source, *, limit: int = 1000) -> list[Example]:
    """Check a source by its first examples, read twice, and return them.

    Args:
        source: a source with something to read.
        limit: how many examples to read.
    """
    stream = source.read(_check_problem)
    _require(isinstance(stream, Iterator), f"read() returned a {type(stream).__name__}, not an iterator")
    examples = list(islice(stream, limit))
    _require(bool(examples), "read() yielded no example; give the check a source with something in it")
    for example in examples:
        _check_example(example)
    ids = [example.id for example in examples]
    _require(len(set(ids)) == len(ids), "two examples have the same id")
    again = list(islice(source.read(_check_problem), limit))
    _require(again == examples, "a second read() yielded other examples, or the same in another order")
    return examples


def check_rewriter(
    rewriter: Rewriter, texts: Sequence[str] = TEXTS, *, repeatable: bool = True, read_ahead: int | None = 1000
) -> list[Rewrite]:
    """Check a rewriter, close it, and return its answers to the texts.

    Args:
        rewriter: the rewriter, not yet used.
        texts: what to rewrite.
        repeatable: whether a text gets the same answer alone as among others, as it should; finds wrong order, too.
            False for one that samples, or whose arithmetic depends on its neighbours.
        read_ahead: how many texts it may take before the first answer; None to leave that out where it is slow.
    """
    before = _check_fingerprint(rewriter)
    _require(list(rewriter.rewrite([])) == [], "no texts must give no answers")
    answers = _rewrite_all(rewriter, texts)
    if repeatable:
        for text, answer in zip(texts, answers, strict=True):
            [alone] = _rewrite_all(rewriter, [text])
            _require(alone.text == answer.text, f"{text!r} alone got {alone.text!r}, among others {answer.text!r}")
    if type(rewriter).rewrite_as_completed is not Rewriter.rewrite_as_completed:
        _check_as_completed(rewriter, texts, answers, repeatable)
    if read_ahead is not None:
        _check_streaming(rewriter, texts, read_ahead)
    _require(_check_fingerprint(rewriter) == before, "its fingerprint changed while it rewrote")
    rewriter.close()
    rewriter.close()
    _require(_check_fingerprint(rewriter) == before, "its fingerprint changed when it was closed")
    return answers


def check_metric(metric: Metric, segments: Sequence[Segment] = SEGMENTS) -> Mapping[str, float | None]:
    """Check a metric, close it, and return its scores of the segments."""
    before = _check_fingerprint(metric)
    _check_columns(metric.columns)
    _require(metric.count([]) == [], "no segments must give no counts")
    counts = metric.count(segments)
    _check_counts(counts, segments)
    for segment, expected in zip(segments, counts, strict=True):
        alone = metric.count([segment])
        _require(len(alone) == 1 and _close(alone[0], expected), f"{segment} counts {expected}, but alone {alone}")
    scores = _check_scores(metric, counts)
    stored: list[Counts] = json.loads(json.dumps(counts))
    _require(_close(scores, metric.score(stored)), "counts that were stored and read back score differently")
    _require(_close(scores, metric.score(counts[::-1])), "the score depends on the order of the segments")
    _check_scores(metric, [])
    _require(_check_fingerprint(metric) == before, "its fingerprint changed while it counted")
    metric.close()
    metric.close()
    return scores


def _check_problem(problem: Problem) -> None:
    _require(isinstance(problem, Problem), f"report() was called with a {type(problem).__name__}, not a Problem")
    _require(bool(problem.where and problem.what), "a Problem says where it is and what was found")


def _check_example(example: Example) -> None:
    fault = fault_of(example)
    _require(not fault, fault)
    name = f"example {example.id!r}"
    _require(example.id != "", f"{name}: the id is empty")
    _require(example.text.strip() != "", f"{name}: the text is blank")
    _require(all(reference.strip() for reference in example.references), f"{name}: a reference is blank")
    if example.biased is False and example.references:
        _require(example.text in example.references, f"{name}: an unbiased text's reference is the text itself")
    _require_json(example.metadata, f"{name}: the metadata")


def _rewrite_all(rewriter: Rewriter, texts: Sequence[str]) -> list[Rewrite]:
    answers = list(rewriter.rewrite(iter(texts)))
    _require(len(answers) == len(texts), f"{len(texts)} texts got {len(answers)} answers")
    for text, answer in zip(texts, answers, strict=True):
        _require(isinstance(answer, Rewrite), f"an answer is a {type(answer).__name__}, not a Rewrite")
        _require(isinstance(answer.text, str), f"the answer to {text!r} is no text")
        _require(answer.text.strip() != "" or text.strip() == "", f"the answer to {text!r} is empty")
        _require(not answer.fallback or answer.text == text, f"a fallback answer is the input itself, not {answer!r}")
        _require_json(answer.details, f"the details of the answer to {text!r}")
    return answers


def _check_as_completed(rewriter: Rewriter, texts: Sequence[str], answers: Sequence[Rewrite], repeatable: bool) -> None:
    found = list(rewriter.rewrite_as_completed(iter(texts)))
    places = sorted(place for place, _ in found)
    _require(places == list(range(len(texts))), f"rewrite_as_completed() gave {len(texts)} texts the places {places}")
    for place, answer in found if repeatable else []:
        expected = answers[place].text
        problem = f"{texts[place]!r} got {answer.text!r} as completed, and {expected!r} in order"
        _require(answer.text == expected, problem)


def _check_streaming(rewriter: Rewriter, texts: Sequence[str], read_ahead: int) -> None:
    def endless() -> Iterator[str]:
        for number in range(read_ahead + len(texts)):
            yield texts[number % len(texts)]
        raise ConformanceError(f"it took more than {read_ahead} texts before it gave the first answer")

    stream = rewriter.rewrite(endless())
    _require(isinstance(stream, Iterator), f"rewrite() returned a {type(stream).__name__}, not an iterator")
    _require(next(stream, None) is not None, "a stream of texts got no answer")
    if hasattr(stream, "close"):
        stream.close()
    _require(len(_rewrite_all(rewriter, texts[:2])) == 2, "it does not work after a stream that was left half-way")


def _check_columns(columns: Sequence[Column]) -> None:
    keys = [column.key for column in columns]
    _require(bool(keys) and len(set(keys)) == len(keys), f"columns need different keys, got {keys}")
    for column in columns:
        _require(bool(column.title), f"column {column.key!r} needs a title")
        _require(column.best in ("high", "low", ""), f"column {column.key!r}: best is 'high', 'low' or ''")


def _check_counts(counts: Sequence[Counts], segments: Sequence[Segment]) -> None:
    _require(len(counts) == len(segments), f"{len(segments)} segments got {len(counts)} counts")
    for segment, count in zip(segments, counts, strict=True):
        wrong = [key for key, value in count.items() if not _is_number(value)]
        _require(not wrong, f"{segment}: these counts are no finite numbers: {wrong}")


def _check_scores(metric: Metric, counts: Sequence[Counts]) -> Mapping[str, float | None]:
    scores = metric.score(counts)
    absent = [column.key for column in metric.columns if column.key not in scores]
    _require(not absent, f"the scores of {len(counts)} segments lack the columns {absent}")
    wrong = [key for key, value in scores.items() if not (value is None or _is_number(value))]
    _require(not wrong, f"these scores of {len(counts)} segments are neither finite numbers nor None: {wrong}")
    return scores


def _check_fingerprint(component: Rewriter | Metric) -> str:
    record = component.fingerprint()
    _require(bool(record), "its fingerprint is empty; it names at least the component")
    _require("class" not in record, "its fingerprint has the key 'class', which gnb sets itself")
    _require_json(record, "its fingerprint")
    _require(component.fingerprint() == record, "its fingerprint differs from one call to the next")
    return canonical_json(record)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _close(one: Mapping[str, float | None], other: Mapping[str, float | None]) -> bool:
    """Return whether two sets of numbers are equal but for the rounding of 32-bit arithmetic."""
    pairs = [(one[key], other[key]) for key in one if key in other]
    same = (a == b if a is None or b is None else math.isclose(a, b, rel_tol=1e-4, abs_tol=1e-5) for a, b in pairs)
    return one.keys() == other.keys() and all(same)


def _require_json(value: object, what: str) -> None:
    try:
        canonical_json(dict(value) if isinstance(value, Mapping) else value)
    except (TypeError, ValueError) as error:
        raise ConformanceError(f"{what} cannot be written as JSON: {error}") from None


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ConformanceError(message)
