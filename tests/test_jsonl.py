"""Examples as JSON Lines: written and read back unchanged, and each bad line named."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnb.core.jsonl import example_from_json, example_to_json, read_examples
from gnb.core.records import Example, Problem

FULL = Example(
    id="a-1",
    text="خانم دکتر می‌آید: ساعت ۸",
    references=("دکتر می‌آید: ساعت ۸", "پزشک می‌آید: ساعت ۸"),
    biased=True,
    category="marking",
    origin="Bias1.txt:3",
    split="test",
    metadata={"pair": "f1", "line": 7, "nested": {"a": [1, None]}},
)

TEXTS = st.text(st.characters(codec="utf-8")).map(lambda text: text + "x")


def test_an_example_is_one_readable_line_with_its_keys_in_order() -> None:
    line = example_to_json(Example(id="1", text="می‌آید", references=("a",), biased=False))
    assert line == (
        '{"id": "1", "text": "می‌آید", "references": ["a"], "biased": false, '
        '"category": null, "origin": "", "split": null, "metadata": {}}'
    )


def test_an_example_comes_back_as_it_was() -> None:
    assert example_from_json(example_to_json(FULL), "x:1") == FULL


@given(TEXTS, st.lists(TEXTS, max_size=3), st.sampled_from([None, True, False]), st.dictionaries(st.text(), TEXTS))
def test_any_example_survives_the_file(
    tmp_path_factory: pytest.TempPathFactory,
    text: str,
    references: list[str],
    biased: bool | None,
    metadata: dict[str, str],
) -> None:
    example = Example("id", text, tuple(references), biased, metadata=metadata)
    path = tmp_path_factory.mktemp("jsonl") / "a.jsonl"
    path.write_text(f"{example_to_json(example)}\n" * 2, encoding="utf-8")
    problems: list[Problem] = []
    assert list(read_examples(path, problems.append)) == [example, example]
    assert problems == []


def test_only_id_and_text_are_required() -> None:
    assert example_from_json('{"text": "b", "id": "a"}', "x:1") == Example("a", "b")


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("nope", "is not JSON (expected ident at line 1 column 2); expected one JSON object"),
        ('{"id": "a"', "is not JSON (EOF while parsing an object at line 1 column 10); expected one JSON object"),
        ("[" * 10_000, "is not JSON (recursion limit exceeded at line 1 column 202); expected one JSON object"),
        ('{"id": "a", "text": "\\ud800"}', "is not JSON (unexpected end of hex escape"),
        ('["a"]', "holds no JSON object; expected one with the keys id, text, references,"),
        ('{"id": "a"}', "key 'text' is missing"),
        ('{"id": 1, "text": "b"}', "key 'id': input should be a valid string, got 1"),
        ('{"id": "a", "text": "b", "biased": 1}', "key 'biased': input should be a valid boolean, got 1"),
        ('{"id": "a", "text": "b", "references": "c"}', "key 'references': input should be a valid array, got 'c'"),
        ('{"id": "a", "text": "b", "references": ["c", 3]}', "key 'references.1': input should be a valid string"),
        ('{"id": "a", "text": "b", "refrences": []}', "unknown key 'refrences'. Did you mean 'references'?"),
        ('{"id": "a", "text": " \\u200c"}', "'id' or 'text' is blank"),
        ('{"id": "", "text": "b"}', "'id' or 'text' is blank"),
        ('{"id": "a", "text": "b", "references": [""]}', "a reference is blank"),
        ('{"id": "a", "text": "b", "split": "dev"}', "'split' is 'dev'; expected train, validation, test or null"),
    ],
)
def test_a_bad_line_is_named_with_what_was_expected(line: str, what: str) -> None:
    problem = example_from_json(line, "x.jsonl:7")
    assert isinstance(problem, Problem)
    assert str(problem).startswith(f"x.jsonl:7: {what}")


def test_bad_lines_are_reported_and_blank_ones_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"id": "1", "text": "a"}\r\n \r\n{}\r\n{"id": "2", "text": "b"}')
    problems: list[Problem] = []
    assert [example.id for example in read_examples(path, problems.append)] == ["1", "2"]
    assert [str(problem) for problem in problems] == [f"{path}:3: key 'id' is missing; key 'text' is missing"]
