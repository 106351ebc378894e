from pathlib import Path

import gnb_pairs
import pytest
from gnb_pairs.source import PairsOptions, PairsSource

from gnb.core.errors import InputError
from gnb.core.records import Problem
from gnb.plugins import conformance


def source(folder: Path, content: str) -> PairsSource:
    file = folder / "pairs.txt"
    file.write_text(content, "utf-8")
    return PairsSource(PairsOptions(path=file))


def test_the_plugin_keeps_the_contract() -> None:
    registry = conformance.check_plugin(gnb_pairs)
    assert list(registry.components["source"]) == ["pairs"]


def test_the_source_keeps_the_contract(tmp_path: Path) -> None:
    lines = "دولتمردان آمدند. | مقامات آمدند.\n\nباران آمد. | باران آمد.\n"
    first, second = conformance.check_source(source(tmp_path, lines))
    assert (first.text, first.references, first.biased) == ("دولتمردان آمدند.", ("مقامات آمدند.",), True)
    assert (second.id, second.biased) == ("pairs.txt:3", False)


def test_a_line_without_a_neutral_form_is_reported(tmp_path: Path) -> None:
    problems: list[Problem] = []
    examples = list(source(tmp_path, "مرد عمل | اهل عمل\nمرد عمل\n").read(problems.append))
    assert len(examples) == 1
    assert [problem.where for problem in problems] == [f"{tmp_path}/pairs.txt:2"]


@pytest.mark.parametrize("content", ["", "\n", "مرد عمل\n"])
def test_a_file_without_pairs_is_an_error(tmp_path: Path, content: str) -> None:
    with pytest.raises(InputError, match="holds no line"):
        list(source(tmp_path, content).read(lambda problem: None))
