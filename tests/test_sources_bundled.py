"""The bundled corpus: shipped whole, and as its data card says."""

import json
import re
import subprocess
import sys
from collections import Counter, defaultdict
from importlib import resources
from pathlib import Path

import pytest
from rapidfuzz import fuzz, process

from gnb.core.components import Source
from gnb.core.reading import read_source
from gnb.core.records import Example
from gnb.core.splitting import split_examples
from gnb.core.text import comparison_key
from gnb.plugins.manager import installed_plugins
from gnb.sources.bundled import PARTS, TRAINING_PARTS

CORPUS = resources.files("gnb") / "data" / "corpus"
CATEGORIES = {
    *("occupation", "family", "ability", "emotion", "rights", "relationship"),
    *("generic", "marking", "ad", "proverb", "tweet", "none"),
}


@pytest.fixture(scope="module")
def source() -> Source:
    return installed_plugins().registry.create("source", "bundled", {})


@pytest.fixture(scope="module")
def examples(source: Source) -> list[Example]:
    return list(read_source(source, strict=True)[0])


def test_the_corpus_is_whole(examples: list[Example]) -> None:
    assert Counter(example.biased for example in examples) == {True: 40776, False: 27698}
    assert {example.category for example in examples} == CATEGORIES
    assert {example.metadata["register"] for example in examples} == {"formal", "informal"}


def test_ids_are_unique_and_name_part_and_line(source: Source, examples: list[Example]) -> None:
    assert len({example.id for example in examples}) == len(examples)
    assert [example.id for example in read_source(source)[0]] == [example.id for example in examples]
    by_id = {example.id: example for example in examples}
    assert by_id["f-002"].text.startswith("قصابی محله را حالا زن حاج رحیم می‌گرداند")
    assert by_id["f-002"].origin == "f.jsonl:2"


def test_an_unbiased_text_is_its_own_reference_and_a_biased_one_is_not(examples: list[Example]) -> None:
    for example in examples:
        if example.biased:
            assert example.references
            assert comparison_key(example.text) not in map(comparison_key, example.references), example.id
        else:
            assert (example.references, example.category) == ((example.text,), "none"), example.id


def test_a_contrast_pair_is_one_biased_and_one_unbiased_text(examples: list[Example]) -> None:
    pairs: dict[str, list[bool | None]] = defaultdict(list)
    for example in examples:
        if "pair" in example.metadata:
            pairs[example.metadata["pair"]].append(example.biased)
    assert len(pairs) == 23738
    assert all(sorted(pair, key=bool) == [False, True] for pair in pairs.values())


def test_no_text_is_blank_padded_or_written_twice(examples: list[Example]) -> None:
    for example in examples:
        for text in (example.text, *example.references):
            assert text, example.id
            assert text == text.strip(), example.id
    assert len({comparison_key(example.text) for example in examples}) == len(examples)


def test_the_parts_for_training_only_move_no_other_text(examples: list[Example]) -> None:
    others = [example for example in examples if example.id[0] in PARTS]
    alone = {example.id: example.split for example in split_examples(others)}
    together = {example.id: example.split for example in split_examples(examples)}
    assert {name: together[name] for name in alone} == alone
    assert {split for name, split in together.items() if name not in alone} == {"train"}


def test_no_text_for_training_only_is_nearly_one_that_is_held_out(examples: list[Example]) -> None:
    held = [e for e in split_examples(examples) if e.split != "train"]
    training = [example for example in examples if example.id[0] in TRAINING_PARTS]
    keys = ([comparison_key(example.text) for example in group] for group in (held, training))
    alike = process.cdist(*keys, scorer=fuzz.ratio, score_cutoff=90)
    assert [(held[row].id, training[column].id) for row, column in zip(*alike.nonzero(), strict=True)] == []


def test_the_texts_of_other_writers_are_none_of_the_corpus(examples: list[Example]) -> None:
    lines = (Path(__file__).parents[1] / "benchmarks" / "strangers.jsonl").read_text("utf-8").splitlines()
    texts = [json.loads(line) for line in lines]
    assert Counter(text["biased"] for text in texts) == {True: 240, False: 240}
    assert not {comparison_key(text["text"]) for text in texts} & {comparison_key(each.text) for each in examples}


def test_the_counts_of_the_data_card_are_what_its_command_prints() -> None:
    card = (CORPUS / "README.md").read_text("utf-8")
    code, shown = re.search(r"<<'EOF'\n(.*?)^EOF\n```\n\n```text\n(.*?)```", card, re.S | re.M).groups()
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed == shown


def test_the_card_says_who_wrote_the_corpus_and_guideline_and_licence_ship_with_it() -> None:
    card = (CORPUS / "README.md").read_text("utf-8")
    assert "A large language model wrote every item" in card
    assert "No human has annotated" in card
    assert "# Annotation guideline" in (CORPUS / "GUIDELINE.md").read_text("utf-8")
    assert (CORPUS / "LICENSE").read_text("utf-8").startswith("Attribution 4.0 International")
