"""The embedded model without transformers: the same numbers, tokens and answers."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, DynamicCache

from gnb.models import known_vocabulary
from gnb.models.adapters import CONFIG, WEIGHTS, resolve_adapter
from gnb.models.classifier import category_logits, load_classifier
from gnb.models.embedded import embedded_folder, embedded_tokenizer
from gnb.models.gemma import Gemma
from gnb.models.gemma_batch import Cache
from gnb.models.gemma_config import read_config
from gnb.models.light import load_light
from gnb.models.merging import merge_plain
from gnb.models.options import ModelOptions
from gnb.models.quick_tokenizer import QuickTokenizer
from gnb.models.running import hidden_states
from gnb.models.vocabulary import line_break_ids, task_token_ids
from gnb.sources.bundled import BundledOptions, BundledSource

TEXTS = [example.text for example in BundledSource(BundledOptions()).read(print)][::20]
ODD = [
    "",
    " ",
    "<eos> a <bos>\n\n\tب",
    "👨‍👩‍👧 日本語  a   b",
    "\x00\u200f\ufeff",
    "hello",
    "<0x41>ب",
    "▁▁ ـــ ‌‌ ۱۲٫۵",
    "¡ñ",
    "㐀؟",
]


def ours(folder: Path, dtype: torch.dtype, categories: int = 0) -> Gemma:
    config = read_config(folder / "config.json")
    assert config is not None
    return Gemma(folder, config, dtype, categories).eval()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@torch.inference_mode()
def test_hidden_states_are_those_of_transformers_bit_by_bit(rounded_model: Path, dtype: torch.dtype):
    light = ours(rounded_model, dtype)
    whole = AutoModelForCausalLM.from_pretrained(rounded_model, dtype=dtype).eval()
    caches = Cache(), DynamicCache()
    width = 0
    for size in (9, 30, 1, 5):
        tokens = torch.randint(0, 1500, (3, size), generator=torch.Generator().manual_seed(size))
        width += size
        mask = torch.zeros(3, 1, size, width, dtype=dtype)
        mask[1, :, :, 3:6] = torch.finfo(dtype).min
        more = {"attention_mask": mask, "position_ids": torch.arange(width - size, width).expand(3, -1)}
        found = [
            hidden_states(model, input_ids=tokens, cache=cache, use_cache=True, **(more if width > size else {}))
            for model, cache in zip((light, whole), caches, strict=True)
        ]
        assert torch.equal(found[0].last_hidden_state, found[1].last_hidden_state)
        for cache in caches:
            cache.batch_select_indices(torch.tensor([2, 0, 1]))


@torch.inference_mode()
def test_what_fills_up_shorter_rows_is_not_computed_and_changes_nothing(rounded_model: Path):
    light = ours(rounded_model, torch.float32)
    caches, mask = (Cache(), Cache()), torch.zeros(3, 0, dtype=torch.bool)
    for lengths in ((12, 5, 9), (1, 4, 2), (3, 3, 3)):
        size = max(lengths)
        filled = torch.arange(size)[None] < torch.tensor(lengths)[:, None]
        mask = torch.cat((mask, filled), 1)
        seen = mask[:, None] & torch.ones(size, mask.shape[1], dtype=torch.bool).tril(mask.shape[1] - size)
        hidden = torch.zeros(seen.shape).masked_fill(~seen, torch.finfo(torch.float32).min)[:, None]
        tokens = torch.randint(0, 1500, filled.shape, generator=torch.Generator().manual_seed(size))
        positions = mask.sum(1, keepdim=True) - filled.sum(1, keepdim=True) + torch.arange(size)
        more = {"attention_mask": hidden, "position_ids": positions}
        whole, packed = (
            hidden_states(light, input_ids=tokens, cache=cache, **more, **extra).last_hidden_state
            for cache, extra in zip(caches, ({}, {"filled": filled}), strict=True)
        )
        torch.testing.assert_close(packed[filled], whole[filled])
        assert not packed[~filled].any()


@torch.inference_mode()
def test_states_that_nobody_reads_are_not_computed_and_change_nothing(rounded_model: Path):
    light = ours(rounded_model, torch.float32)
    caches, mask = (Cache(), Cache()), torch.zeros(3, 0, dtype=torch.bool)
    for lengths, first in (((12, 5, 9), (7, 4, 0)), ((1, 4, 2), (0, 1, 1)), ((3, 3, 3), (0, 0, 0))):
        size = max(lengths)
        places = torch.arange(size)[None]
        filled, behind = places < torch.tensor(lengths)[:, None], places >= torch.tensor(first)[:, None]
        mask = torch.cat((mask, filled), 1)
        seen = mask[:, None] & torch.ones(size, mask.shape[1], dtype=torch.bool).tril(mask.shape[1] - size)
        more = {
            "input_ids": torch.randint(0, 1500, filled.shape, generator=torch.Generator().manual_seed(size)),
            "attention_mask": torch.zeros(seen.shape).masked_fill(~seen, torch.finfo(torch.float32).min)[:, None],
            "position_ids": mask.sum(1, keepdim=True) - filled.sum(1, keepdim=True) + torch.arange(size),
            "filled": filled,
        }
        whole, some = (
            hidden_states(light, cache=cache, **more, **extra).last_hidden_state
            for cache, extra in zip(caches, ({}, {"read": filled & behind}), strict=True)
        )
        torch.testing.assert_close(some[filled & behind], whole[filled & behind])
        assert not some[~(filled & behind)].any()


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@torch.inference_mode()
def test_a_detector_gives_the_logits_that_it_gives_with_transformers(
    rounded_model: Path, tiny_detector: Path, dtype: str
):
    light = ours(rounded_model, getattr(torch, dtype), categories=3)
    whole = load_classifier(ModelOptions(base_model=str(rounded_model), dtype=dtype), 3).model
    for model in (light, whole):
        assert merge_plain(model, tiny_detector / CONFIG, tiny_detector / WEIGHTS)
    rows = [[2, 5, 700, 31], [2, 9], [2]]
    # to the last digits alone: the last layer computes the states that are read, by smaller products
    torch.testing.assert_close(category_logits(light, rows, 0), category_logits(whole, rows, 0))


def test_a_text_that_exceeds_the_sliding_window_is_refused(rounded_model: Path):
    with pytest.raises(ValueError, match="window"):
        ours(rounded_model, torch.float32).get_decoder()(input_ids=torch.zeros(1, 257, dtype=torch.long))


@pytest.mark.parametrize("change", [{"model_type": "llama"}, {"attention_bias": True}, {"head_dim": None}])
def test_settings_of_another_model_are_left_to_transformers(rounded_model: Path, tmp_path: Path, change: dict):
    values = json.loads((rounded_model / "config.json").read_text()) | change
    values = {name: value for name, value in values.items() if value is not None}
    (tmp_path / "config.json").write_text(json.dumps(values))
    assert read_config(tmp_path / "config.json") is None
    assert read_config(tmp_path / "none.json") is None


@pytest.mark.parametrize(
    "options",
    [{"base_model": "a/b"}, {"quantisation": "8bit"}, {"device": "cuda"}, {"dtype": "float16"}],
)
def test_only_the_embedded_model_on_a_cpu_is_loaded_without_transformers(options: dict[str, str]):
    assert load_light(ModelOptions(**options)) is None


def test_an_adapter_that_is_not_plain_is_left_to_transformers(tmp_path: Path):
    for file in (CONFIG, WEIGHTS):
        (tmp_path / file).write_bytes((resolve_adapter("embedded") / file).read_bytes())
    settings = json.loads((tmp_path / CONFIG).read_text())
    (tmp_path / CONFIG).write_text(json.dumps(settings | {"use_dora": True}))
    assert load_light(ModelOptions(), tmp_path) is None


def test_the_quick_tokenizer_gives_the_tokens_and_texts_of_transformers():
    quick, whole = QuickTokenizer(), embedded_tokenizer()
    for text in TEXTS + ODD:
        for settings in ({}, {"add_special_tokens": False, "split_special_tokens": True}):
            assert quick(text, **settings)["input_ids"] == whole(text, **settings)["input_ids"]
    rows = [whole(text)["input_ids"] for text in TEXTS + ODD] + [[7000, 200000, 1, 5], [240, 190]]
    assert quick.batch_decode(rows) == whole.batch_decode(rows)
    assert [quick.batch_decode([row], skip_special_tokens=True)[0] for row in rows] == whole.batch_decode(
        rows, skip_special_tokens=True
    )
    assert (len(quick), quick.eos_token_id, quick.bos_token_id) == (len(whole), whole.eos_token_id, whole.bos_token_id)
    assert (quick.pad_token_id, quick.all_special_ids) == (whole.pad_token_id, whole.all_special_ids)


def test_most_persian_texts_need_the_small_tokenizer_alone():
    quick = QuickTokenizer()
    for text in TEXTS:
        if known_vocabulary.is_plain_text(text):
            quick.batch_decode([quick(text)["input_ids"]])
    assert "_whole" not in vars(quick)
    assert sum(map(known_vocabulary.is_plain_text, TEXTS)) > 0.95 * len(TEXTS)


def test_a_damaged_file_of_words_is_made_anew_also_by_two_processes_at_once(tmp_path: Path):
    quick, whole, folder = QuickTokenizer(), embedded_tokenizer(), embedded_folder()
    assert task_token_ids(quick) == task_token_ids(whole)
    assert line_break_ids(quick) == line_break_ids(whole)
    (tmp_path / folder.name).symlink_to(folder)
    file = tmp_path / f"{folder.name}-words.json"
    good = folder.with_name(file.name).read_bytes()
    file.write_bytes(good[: len(good) // 2])
    code = (
        "from gnb.models.known_vocabulary import embedded_vocabulary as w; import sys; sys.exit(len(w().task) < 9000)"
    )
    command, environment = [sys.executable, "-c", code], {**os.environ, "GNB_CACHE": str(tmp_path)}
    processes = [subprocess.Popen(command, env=environment) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    assert file.read_bytes() == good
    (tmp_path / "other").touch()
    assert file.stat().st_mode == (tmp_path / "other").stat().st_mode  # a cache may be shared
    assert [path.name for path in tmp_path.glob("*words*")] == [file.name]


@pytest.mark.parametrize("content", [b"", b"\n", b"key 0\n{}", b"\xff\xfe\n{"])
def test_words_of_another_key_or_content_are_not_taken(tmp_path: Path, content: bytes):
    file = tmp_path / "words.json"
    file.write_bytes(content)
    assert known_vocabulary._read(file, "key") is None
    assert known_vocabulary._read(tmp_path / "none.json", "key") is None
