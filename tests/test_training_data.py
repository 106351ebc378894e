"""What training learns: which texts, as which tokens, in which batches."""

import random
from itertools import batched, chain
from pathlib import Path

import pytest

from gnb.core.errors import InputError, SettingsError, UnknownNameError
from gnb.core.options import build_options
from gnb.core.records import Example
from gnb.core.splitting import split_examples
from gnb.models.loading import load_tokenizer
from gnb.models.prompt import PUBLISHED, Prompt
from gnb.sources.bundled import BundledOptions, BundledSource
from gnb.training.batches import IGNORED, Batches, Row, collate, pack, row_length
from gnb.training.data import select_data
from gnb.training.items import Encoder, Item
from gnb.training.options import TrainingOptions, preset_values

BUNDLED = tuple(BundledSource(BundledOptions()).read(print))


@pytest.fixture(scope="module")
def prompt(tiny_model: Path) -> Prompt:
    return Prompt(PUBLISHED, load_tokenizer(str(tiny_model)))


def item(length: int, group: str = "", answer: int = 2) -> Item:
    return Item(tuple(range(10, 10 + length)), length - answer, (1.0,) * answer, group or str(random.random()))


def rows_of(*lengths: int) -> list[Row]:
    return [(item(length, str(number)),) for number, length in enumerate(lengths)]


def test_only_training_and_validation_texts_are_taken() -> None:
    splits = {example.text: example.split for example in split_examples(BUNDLED)}
    data = select_data(BUNDLED)
    assert {splits[example.text] for example in data.train} == {"train"}
    assert {splits[example.text] for example in data.validation} == {"validation"}
    assert len(data.train) + len(data.validation) + list(splits.values()).count("test") == len(BUNDLED)


def test_a_limit_draws_from_all_parts_and_leaves_the_split_as_it_is() -> None:
    whole, part = select_data(BUNDLED), select_data(BUNDLED, limit=50)
    assert len(part.train) == len(part.validation) == 50
    assert {example.id for example in part.train} < {example.id for example in whole.train}
    assert len({example.id[0] for example in part.train}) > 5


def test_the_data_hash_tells_apart_texts_references_pairs_and_splits() -> None:
    first = Example("1", "الف", ("ب",), metadata={"pair": "p"}, split="train")
    others = [
        Example("1", "الف", ("ب",), split="train"),
        Example("1", "الف", ("پ",), metadata={"pair": "p"}, split="train"),
        Example("1", "ج", ("ب",), metadata={"pair": "p"}, split="train"),
    ]
    assert len({select_data([example]).hash() for example in (first, *others)}) == 4
    assert select_data([first]).hash() == select_data([first]).hash()


def test_a_corpus_without_references_is_refused() -> None:
    with pytest.raises(InputError, match="of 2 examples, none is for training and has a reference"):
        select_data([Example("1", "الف"), Example("2", "ب")])


def test_a_single_text_is_for_training() -> None:
    data = select_data([Example("1", "الف", ("ب",))])
    assert (len(data.train), len(data.validation)) == (1, 0)


def test_an_item_is_the_prompt_of_rewriting_the_answer_and_the_end_token(prompt: Prompt) -> None:
    text, answer = "خانم دکتر آمد.", "دکتر آمد."
    (found,) = Encoder(prompt, 1024).encode([Example("1", text, (answer,))]).items
    assert list(found.tokens[: found.prompt_length]) == prompt.encode(text)
    rest = found.tokens[found.prompt_length :]
    assert prompt.tokenizer.decode(rest[:-1]) == answer
    assert rest[-1] == prompt.tokenizer.eos_token_id
    assert len(found.weights) == len(rest)


def weighted(prompt: Prompt, text: str, answer: str) -> str:
    (found,) = Encoder(prompt, 1024, change_weight=3.0).encode([Example("1", text, (answer,))]).items
    pairs = zip(found.tokens[found.prompt_length :], found.weights, strict=True)
    return prompt.tokenizer.decode([token for token, weight in pairs if weight == 3.0]).strip()


def test_changed_tokens_weigh_more(prompt: Prompt) -> None:
    assert weighted(prompt, "زن باید صبور باشد.", "آدم باید صبور باشد.") == "آدم"


def test_where_words_were_dropped_the_next_token_weighs_more(prompt: Prompt) -> None:
    assert "دکتر احمدی آمد".startswith(weighted(prompt, "خانم دکتر احمدی آمد", "دکتر احمدی آمد"))
    assert weighted(prompt, "خانم دکتر احمدی آمد", "دکتر احمدی آمد")


def test_where_words_were_dropped_at_the_end_nothing_weighs_more(prompt: Prompt) -> None:
    assert weighted(prompt, "دکتر احمدی آمد خانم", "دکتر احمدی آمد") == ""


def test_spelling_is_no_change(prompt: Prompt) -> None:
    assert weighted(prompt, "او مي رود.", "او می‌رود.") == ""


def test_the_end_token_in_a_text_stays_text(prompt: Prompt) -> None:
    (found,) = Encoder(prompt, 1024).encode([Example("1", "الف <eos> ب", ("الف <eos> ب",))]).items
    assert found.tokens.count(prompt.tokenizer.eos_token_id) == 1


def test_texts_that_cannot_be_learnt_are_counted(prompt: Prompt) -> None:
    examples = [
        Example("1", "الف", ("ب",)),
        Example("2", "الف " * 900, ("ب",)),
        Example("3", "الف"),
        Example("4", "الف", (" ",)),
        Example("5", "", ("ب",)),
    ]
    encoded = Encoder(prompt, 512).encode(examples)
    assert (len(encoded.items), encoded.too_long, encoded.unusable) == (1, 1, 3)


def test_all_references_make_an_item_each(prompt: Prompt) -> None:
    example = Example("1", "الف", ("ب", "پ", "ت"))
    assert len(Encoder(prompt, 1024).encode([example]).items) == 1
    assert len(Encoder(prompt, 1024, all_references=True).encode([example]).items) == 3


def test_references_of_a_text_and_texts_of_a_pair_are_of_one_group_whatever_their_ids(prompt: Prompt) -> None:
    examples = [
        Example("1", "الف", ("ب", "پ")),
        Example("1", "ج", ("چ",)),  # of another source
        Example("2", "ح", ("خ",), metadata={"pair": "1"}),
        Example("3", "د", ("ذ",), metadata={"pair": "1"}),
    ]
    groups = [item.group for item in Encoder(prompt, 1024, all_references=True).encode(examples).items]
    assert [groups.index(group) for group in groups] == [0, 0, 2, 3, 3]


def test_unbiased_texts_are_thinned_though_two_sources_have_the_same_ids() -> None:
    examples = [
        Example(str(number), f"{source} {number * 'آ'}", ("ب",), biased=False, split="train")
        for source in ("الف", "ب")
        for number in range(1, 11)
    ]
    assert len(select_data(examples, unbiased_share=0.5).train) == 10


def test_packing_keeps_every_item_whole_and_in_order() -> None:
    items = [item(length) for length in (400, 500, 300, 1500, 100, 24, 900)]
    packed = pack(items, 1024)
    assert [each for row in packed for each in row] == items
    assert [[len(each.tokens) for each in row] for row in packed] == [[400, 500], [300], [1500], [100, 24, 900]]


def test_every_row_is_learnt_once_an_epoch_and_each_epoch_in_another_order() -> None:
    batches = Batches(rows_of(*range(20, 121)), batch_size=8, group_by_length=True, seed=0)
    first = list(batches)
    batches.set_epoch(1)
    second = list(batches)
    assert len(first) == len(second) == len(batches)
    assert sorted(chain(*first)) == sorted(chain(*second)) == list(range(101))
    assert first != second
    batches.set_epoch(0)
    assert list(batches) == first


@pytest.mark.parametrize("group_by_length", [True, False])
def test_a_step_learns_the_same_rows_however_it_is_cut(group_by_length: bool) -> None:
    rows = rows_of(*(random.Random(3).choices(range(20, 200), k=45)))

    def steps(batch_size: int, accumulation: int) -> list[list[int]]:
        found = list(
            Batches(rows, batch_size=batch_size, accumulation=accumulation, group_by_length=group_by_length, seed=5)
        )
        return [list(chain(*step)) for step in batched(found, accumulation)]

    assert steps(4, 1) == steps(2, 2) == steps(1, 4)


def test_grouping_by_length_leaves_almost_no_padding() -> None:
    rows = rows_of(*random.Random(1).choices(range(40, 200), k=400))

    def padding(group_by_length: bool) -> float:
        batches = Batches(rows, batch_size=8, group_by_length=group_by_length, seed=0)
        lengths = [[row_length(rows[number]) for number in batch] for batch in batches]
        return sum(max(batch) * len(batch) for batch in lengths) / sum(map(row_length, rows)) - 1

    assert padding(True) < 0.05 < 0.3 < padding(False)


def test_contrast_pairs_are_learnt_side_by_side() -> None:
    rows: list[Row] = [(item(20 + 7 * number % 90, f"pair{number // 2}"),) for number in range(64)]
    batches = list(Batches(rows, batch_size=8, group_by_length=True, seed=0))
    together = sum(number ^ 1 in batch for batch in batches for number in batch)
    assert together == 64


def test_prompts_and_padding_have_no_loss_and_positions_start_anew() -> None:
    rows: list[Row] = [(item(5, answer=2), item(4, answer=1)), (item(3, answer=1),)]
    batch = {name: values.tolist() for name, values in collate(rows, pad=0).items()}
    assert batch["labels"] == [
        [IGNORED, IGNORED, IGNORED, 13, 14, IGNORED, IGNORED, IGNORED, 13],
        [IGNORED, IGNORED, 12, *[IGNORED] * 6],
    ]
    assert batch["position_ids"] == [[0, 1, 2, 3, 4, 0, 1, 2, 3], [0, 1, 2, 0, 1, 2, 3, 4, 5]]
    assert batch["input_ids"][1] == [10, 11, 12, 0, 0, 0, 0, 0, 0]
    assert batch["weights"][0] == [0, 0, 0, 1, 1, 0, 0, 0, 1]


def test_the_default_preset_is_the_defaults() -> None:
    assert build_options(TrainingOptions, preset_values("default"), "train") == TrainingOptions()


def test_the_paper_preset_is_the_published_recipe() -> None:
    options = build_options(TrainingOptions, preset_values("paper"), "train")
    published = {
        "epochs": 3,
        "learning_rate": 2e-4,
        "batch_size": 1,
        "accumulation": 4,
        "rank": 8,
        "alpha": 32,
        "dropout": 0.01,
        "target_modules": "q_proj,v_proj",
        "packing": 1024,
        "schedule": "step",
        "gamma": 0.85,
        "change_weight": 1.0,
        "warmup": 0.0,
    }
    assert {key: getattr(options, key) for key in published} == published


def test_an_unknown_preset_is_refused_with_those_that_exist() -> None:
    with pytest.raises(UnknownNameError, match=r"training preset 'papre'.*'paper'.*Existing: default, detect, paper"):
        preset_values("papre")


@pytest.mark.parametrize("dropout", [1.0, -0.1, "none"])
def test_a_dropout_out_of_range_is_refused(dropout: object) -> None:
    with pytest.raises(SettingsError, match="dropout"):
        build_options(TrainingOptions, {"dropout": dropout}, "gnb train")
