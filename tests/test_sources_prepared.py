"""The prepared source: the folder that `gnb prepare` writes."""

from pathlib import Path

import pytest

from gnb.core.errors import InputError
from gnb.core.jsonl import example_to_json
from gnb.core.reading import read_source
from gnb.core.records import Example
from gnb.plugins.manager import installed_plugins


def read(folder: Path) -> tuple[list[Example], list[str]]:
    source = installed_plugins().registry.create("source", "prepared", {"path": str(folder)})
    examples, problems = read_source(source)
    return list(examples), [str(problem) for problem in problems.kept]


def write(path: Path, *examples: Example) -> None:
    path.write_text("".join(example_to_json(example) + "\n" for example in examples), encoding="utf-8")


def test_examples_come_by_split_whatever_their_line_says(tmp_path: Path) -> None:
    for name in ("test", "train", "validation"):
        example = Example(name, "متن", ("متن",), split="train", metadata={"raw": "متن "})
        write(tmp_path / f"{name}.jsonl", example)
    examples, problems = read(tmp_path)
    assert problems == []
    assert [(example.id, example.split) for example in examples] == [
        ("train", "train"),
        ("validation", "validation"),
        ("test", "test"),
    ]
    assert examples[0].metadata == {"raw": "متن "}


def test_an_absent_or_empty_split_counts_as_empty(tmp_path: Path) -> None:
    write(tmp_path / "test.jsonl", Example("1", "متن"))
    write(tmp_path / "train.jsonl")
    assert [example.split for example in read(tmp_path)[0]] == ["test"]


def test_a_bad_line_is_named_and_skipped(tmp_path: Path) -> None:
    (tmp_path / "test.jsonl").write_text('{"id": "1"}\n{"id": "2", "text": "متن"}', encoding="utf-8")
    examples, problems = read(tmp_path)
    assert [example.id for example in examples] == ["2"]
    assert problems == [f"{tmp_path / 'test.jsonl'}:1: key 'text' is missing"]


def test_a_folder_that_nobody_prepared_is_refused_with_the_command_that_helps(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: no file in this folder matches train.jsonl, validation.jsonl, test.jsonl. "
        "Write one with: gnb prepare SOURCE --to DIR"
    )
    with pytest.raises(InputError, match=r"does not exist; expected a folder with train\.jsonl"):
        read(tmp_path / "none")


def test_splits_without_any_example_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl")
    with pytest.raises(InputError, match=r"holds no example in train\.jsonl\. Write one with: gnb prepare"):
        read(tmp_path)
