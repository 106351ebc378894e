"""A source is read strictly, or with its problems counted."""

from collections.abc import Iterator
from typing import Any

import pytest

from gnb.core.components import Source
from gnb.core.errors import InputError
from gnb.core.options import Options
from gnb.core.reading import MAX_KEPT, read_source
from gnb.core.records import Example, Problem, Report


class Faulty(Source):
    """Two good examples and many bad ones between them."""

    def read(self, report: Report) -> Iterator[Example]:
        yield Example("1", "یک")
        for number in range(MAX_KEPT + 5):
            report(Problem(f"file:{number}", "found this; expected that"))
        yield Example("2", "دو")


def test_problems_are_all_counted_and_the_first_ones_kept() -> None:
    examples, problems = read_source(Faulty(Options()))
    assert [example.id for example in examples] == ["1", "2"]
    assert problems.count == MAX_KEPT + 5
    assert len(problems.kept) == MAX_KEPT
    assert str(problems.kept[0]) == "file:0: found this; expected that"


def test_strict_reading_stops_at_the_first_problem() -> None:
    examples, problems = read_source(Faulty(Options()), strict=True)
    assert next(examples).id == "1"
    with pytest.raises(InputError, match=r"^file:0: found this; expected that$"):
        next(examples)
    assert problems.count == 0


class Mistyped(Source):
    """A plugin's source whose author takes no type checker."""

    def __init__(self, example: object) -> None:
        super().__init__(Options())
        self.example = example

    def read(self, report: Report) -> Iterator[Any]:
        yield Example("1", "یک", ("یک",), biased=False, category="none", split="test", metadata={"pair": 1})
        yield self.example


@pytest.mark.parametrize(
    ("example", "said"),
    [
        ("دو", "it yielded 'دو', not an Example"),
        (Example(5, "دو"), "example 5: id must be a text, got 5"),
        (Example("2", None), "example '2': text must be a text, got None"),
        (Example("2", "دو", "سه"), "example '2': references must be a tuple of texts, got 'سه'"),
        (Example("2", "دو", ["سه"]), "example '2': references must be a tuple of texts, got ['سه']"),
        (Example("2", "دو", (3,)), "example '2': references must be a tuple of texts, got (3,)"),
        (Example("2", "دو", biased="no"), "example '2': biased must be True, False or None, got 'no'"),
        (Example("2", "دو", category=7), "example '2': category must be a text or None, got 7"),
        (Example("2", "دو", origin=None), "example '2': origin must be a text, got None"),
        (
            Example("2", "دو", split="dev"),
            "example '2': split must be one of train, validation, test, or None, got 'dev'",
        ),
        (Example("2", "دو", metadata=None), "example '2': metadata must be a mapping, got None"),
    ],
)
def test_an_example_with_a_field_of_a_wrong_type_is_refused_by_source_and_field(example: object, said: str) -> None:
    examples, _ = read_source(Mistyped(example))
    assert next(examples).id == "1"
    with pytest.raises(InputError) as told:
        next(examples)
    assert str(told.value) == f"The source {__name__}:Mistyped is at fault: {said}."
