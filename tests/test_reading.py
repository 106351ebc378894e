"""A source is read strictly, or with its problems counted."""

from collections.abc import Iterator

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
