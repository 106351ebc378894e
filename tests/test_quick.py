"""The embedded model in numpy, for a few sentences: the numbers and answers of torch, without importing it."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from test_light import ours
from test_startup import HEAVY, run
from threadpoolctl import threadpool_info, threadpool_limits

from gnb.core.errors import ModelError, SettingsError
from gnb.models.adapters import CONFIG, WEIGHTS, attach_adapter, resolve_adapter
from gnb.models.arrays import read_arrays
from gnb.models.detector import Detector
from gnb.models.embedded import embedded_folder
from gnb.models.gemma import Gemma
from gnb.models.gemma_config import read_config
from gnb.models.gemma_numpy import NumpyGemma, _one_thread, _thread_pools
from gnb.models.light import load_light
from gnb.models.merging import merge_plain
from gnb.models.options import ModelOptions
from gnb.models.quick import Asked, load_quick
from gnb.rewriters.base import BaseRewriter
from gnb.rewriters.local.decoding import GuidedDecoder
from gnb.rewriters.local.options import LocalOptions, LoraOptions
from gnb.rewriters.local.rows import Frame
from gnb.rewriters.local.single import SingleDecoder
from gnb.rewriters.lora import LoraRewriter
from gnb.sources.bundled import BundledOptions, BundledSource

TEXTS = [example.text for example in BundledSource(BundledOptions()).read(print) if example.biased][::520]
"""Some that the adapter changes; more than a few."""
SENTENCE = "مردان قوی هستند و زنان احساساتی."


def small(folder: Path, adapter: Path | None = None) -> NumpyGemma:
    config = read_config(folder / "config.json")
    assert config is not None
    return NumpyGemma(folder, config, (adapter / CONFIG, adapter / WEIGHTS) if adapter else None)


@torch.inference_mode()
def test_hidden_states_are_those_of_torch_also_with_an_adapter_and_a_cache() -> None:
    folder, adapter = embedded_folder(), resolve_adapter("embedded")
    whole, quick = ours(folder, torch.float32), small(folder, adapter)
    assert merge_plain(whole, adapter / CONFIG, adapter / WEIGHTS)
    tokens = torch.randint(0, 200_000, (1, 60), generator=torch.Generator().manual_seed(0))
    expected = whole.get_decoder()(input_ids=tokens).last_hidden_state[0].numpy()
    first, cache = quick.run(tokens[0, :25].tolist(), [])
    second, grown = quick.run(tokens[0, 25:].tolist(), cache)
    np.testing.assert_allclose(np.concatenate((first, second)), expected, rtol=1e-3, atol=1e-3)
    again, _ = quick.run(tokens[0, 25:].tolist(), cache)  # the cache is as it was
    np.testing.assert_array_equal(again, second)
    assert grown[0][0].shape[1] == 60


def test_models_of_one_folder_share_its_weights() -> None:
    first, second = small(embedded_folder(), resolve_adapter("embedded")), small(embedded_folder())
    assert first._weights is second._weights


def test_more_tokens_than_the_sliding_window_has_are_refused() -> None:
    with pytest.raises(ValueError, match="window"):
        small(embedded_folder()).run([5] * 513, [])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_arrays_are_read_as_torch_reads_them(tmp_path: Path, dtype: torch.dtype) -> None:
    file = tmp_path / "weights.safetensors"
    save_file({"a": torch.randn(7, 5).to(dtype), "b": torch.randn(3).to(dtype)}, file)
    found = read_arrays(file)
    assert set(found) == {"a", "b"}
    for name, expected in load_file(file).items():
        np.testing.assert_array_equal(found[name].wide(), expected.float().numpy())
    np.testing.assert_array_equal(found["a"].rows(np.array([6, 0])), load_file(file)["a"][[6, 0]].float().numpy())


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"detector": "embedded"},
        {"threshold": 0.5, "lexicon_bonus": 0.5},
        {"copy_bonus": 1.0, "output_layer": "full"},
    ],
)
def test_one_by_one_the_answers_are_those_of_batches(options: dict[str, Any]) -> None:
    settings = LoraOptions(**options, dtype="float32")
    with LoraRewriter(settings) as many, LoraRewriter(settings) as few:
        expected = list(many.rewrite(TEXTS))
        found = []
        for text in TEXTS:
            few._asked = Asked()  # or the ninth text would be one of many
            found += few.rewrite([text])
        assert isinstance(few._loaded.model, NumpyGemma)
        assert not isinstance(many._loaded.model, NumpyGemma)
    assert [answer.text for answer in found] == [answer.text for answer in expected]
    assert [answer.raw for answer in found] == [answer.raw for answer in expected]
    for one, other in zip(found, expected, strict=True):
        assert one.details.keys() == other.details.keys()
        assert one.details.get("margin", 0) == pytest.approx(other.details.get("margin", 0), abs=0.01)
        assert one.details.get("probability", 0) == pytest.approx(other.details.get("probability", 0), abs=0.001)
    assert sum(answer.text != text for answer, text in zip(found, TEXTS, strict=True)) > len(TEXTS) / 3


def test_the_base_model_answers_the_same_too() -> None:
    lines = TEXTS[:2]
    options = LocalOptions(dtype="float32")
    with BaseRewriter(options) as few, BaseRewriter(options) as many:
        found = list(few.rewrite(lines))
        assert isinstance(few._loaded.model, NumpyGemma)
        expected = dict(zip(TEXTS, many.rewrite(TEXTS[:9]), strict=False))
    assert [answer.text for answer in found] == [expected[line].text for line in lines]


def test_many_texts_after_a_few_are_answered_in_batches_and_then_a_few_again() -> None:
    with LoraRewriter(LoraOptions(detector="embedded", dtype="float32")) as rewriter:
        first = list(rewriter.rewrite(TEXTS[:1]))
        assert isinstance(rewriter._loaded.model, NumpyGemma)
        middle = list(rewriter.rewrite(TEXTS))
        assert not isinstance(rewriter._loaded.model, NumpyGemma)
        last = list(rewriter.rewrite(TEXTS[:1]))  # by the model that is there already
        assert not isinstance(rewriter._loaded.model, NumpyGemma)
    assert first[0].text == middle[0].text == last[0].text


def test_a_detector_judges_a_few_texts_as_it_judges_many() -> None:
    few, many = (Detector(ModelOptions(dtype="float32"), "embedded") for _ in range(2))
    long = " ".join(TEXTS)[:1900]  # several pieces
    texts = [*TEXTS, long, "", "hello <eos>", "👨‍👩‍👧"]
    for text, expected in zip(texts, many.detect(texts), strict=True):
        few._asked = Asked()
        (found,) = few.detect([text])
        assert found.category == expected.category
        assert found.probability == pytest.approx(expected.probability, abs=0.001)
    assert "_loaded" not in vars(few)
    assert "_quick" not in vars(many)


@pytest.mark.parametrize("arguments", [["rewrite"], ["detect"], ["rewrite", "-o", "lora.detector=none"]])
def test_a_sentence_needs_no_torch(tmp_path: Path, arguments: list[str]) -> None:
    done = run(tmp_path, (*HEAVY, "scipy", "sklearn", "pandas", "huggingface_hub"), *arguments, SENTENCE)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


@pytest.mark.parametrize(
    ("lines", "few"), [([], True), (["م"] * 8, True), (["م"] * 9, False), (["م" * 2000], True), (["م" * 2001], False)]
)
def test_how_many_lines_are_few(lines: list[str], few: bool) -> None:
    assert Asked().are_few(lines) is few


def test_few_lines_again_and_again_are_many() -> None:
    asked = Asked()
    assert [asked.are_few(["م"] * 3) for _ in range(4)] == [True, True, False, False]


def test_a_model_that_takes_batches_is_kept_when_many_texts_follow_a_few(tiny_model: Path) -> None:
    with BaseRewriter(LocalOptions(base_model=str(tiny_model))) as rewriter:
        list(rewriter.rewrite(TEXTS[:1]))
        model = rewriter._loaded.model
        list(rewriter.rewrite(TEXTS))
        assert rewriter._loaded.model is model


@pytest.mark.parametrize(
    "options", [{"base_model": "a/b"}, {"quantisation": "8bit"}, {"device": "cuda"}, {"dtype": "bfloat16"}]
)
def test_only_the_embedded_model_in_float32_on_a_cpu_is_loaded_so(options: dict[str, str]) -> None:
    assert load_quick(ModelOptions(**options)) is None


def test_models_that_run_at_once_leave_the_threads_of_others_as_they_were() -> None:
    _thread_pools.cache_clear()  # other tests may have loaded scipy, with a library of its own, since it was filled
    with threadpool_limits(2, user_api="blas"):
        first, second = _one_thread, _one_thread
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert _blas_threads() == {1}
        second.__exit__(None, None, None)
        assert _blas_threads() == {2}


def _blas_threads() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_a_longer_context_than_the_embedded_model_takes_is_refused() -> None:
    with pytest.raises(SettingsError, match="takes 32768 tokens at the most"):
        list(LoraRewriter(LoraOptions(context_length=131072)).rewrite([SENTENCE]))


def copied(source: Path, folder: Path) -> Path:
    for file in (CONFIG, WEIGHTS):
        (folder / file).write_bytes((source / file).read_bytes())
    return folder


def change_weights(folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    tensors = load_file(folder / WEIGHTS)
    change(tensors)
    save_file(tensors, folder / WEIGHTS)


Q_PROJ = "base_model.model.model.layers.0.self_attn.q_proj"


@pytest.mark.parametrize(
    "change",
    [
        lambda tensors: tensors.pop(f"{Q_PROJ}.lora_A.weight"),
        lambda tensors: tensors.pop(f"{Q_PROJ}.lora_B.weight"),
        lambda tensors: tensors.update({f"{Q_PROJ}.lora_B.weight": torch.zeros(3, 16)}),
        lambda tensors: tensors.update({f"{Q_PROJ}.lora_B.weight": torch.zeros(1024, 8)}),
        lambda tensors: tensors.update({"base_model.model.score.weight": torch.zeros(12, 640)}),
        lambda tensors: tensors.update({"base_model.model.model.norm.weight": torch.zeros(640)}),
    ],
)
def test_an_adapter_that_does_not_fit_is_left_to_those_who_know_what_to_say(
    tmp_path: Path, change: Callable[[dict[str, torch.Tensor]], object]
) -> None:
    folder = copied(resolve_adapter("embedded"), tmp_path)
    assert load_quick(ModelOptions(), folder) is not None
    change_weights(folder, change)
    assert load_quick(ModelOptions(), folder) is None


@pytest.mark.parametrize("content", [b"", b"\5\0\0\0\0\0\0\0[1,2]", b"\1\0\0\0\0\0\0\0005"])
def test_damaged_weights_are_left_to_those_who_know_what_to_say(tmp_path: Path, content: bytes) -> None:
    folder = copied(resolve_adapter("embedded"), tmp_path)
    (folder / WEIGHTS).write_bytes(content)
    with pytest.raises(ModelError, match=r"damaged|does not fit|cannot"):
        attach_adapter(load_quick(ModelOptions(), folder) or load_light(ModelOptions()), folder)


def test_an_adapter_of_another_rank_than_it_says_is_refused(tmp_path: Path) -> None:
    folder = copied(resolve_adapter("embedded"), tmp_path)
    settings = json.loads((folder / CONFIG).read_text())
    (folder / CONFIG).write_text(json.dumps(settings | {"r": 8}))
    with pytest.raises(ModelError, match="rank"):
        load_quick(ModelOptions(), folder)
    (folder / CONFIG).write_text(json.dumps(settings | {"use_dora": True}))
    assert load_quick(ModelOptions(), folder) is None


def test_a_classifier_of_another_number_of_categories_is_left_to_torch() -> None:
    folder = resolve_adapter("embedded", kind="detector")
    assert load_quick(ModelOptions(), folder, 12) is not None
    assert load_quick(ModelOptions(), folder, 2) is None
    assert load_quick(ModelOptions(), folder) is None


def test_weights_of_another_shape_than_the_settings_say_are_not_loaded(tmp_path: Path) -> None:
    folder = embedded_folder()
    config = read_config(folder / "config.json")
    assert config is not None
    (tmp_path / "model.safetensors").symlink_to(folder / "model.safetensors")
    with pytest.raises(ValueError, match="config"):
        NumpyGemma(tmp_path, replace(config, intermediate_size=1024))


def test_rejected_drafts_do_not_count_as_tokens_of_the_sliding_window(rounded_model: Path) -> None:
    found = read_config(rounded_model / "config.json")
    assert found is not None
    config = replace(found, sliding_window=128)
    generator = torch.Generator().manual_seed(1)
    sources = [torch.randint(10, 1400, (40,), generator=generator).tolist() for _ in range(4)]
    frame = Frame(range(1500), [2, 5, 9], [7, 8], frozenset({1}), 1)
    models = (
        (GuidedDecoder, Gemma(rounded_model, config, torch.float32).eval()),
        (
            SingleDecoder,
            NumpyGemma(rounded_model, config),
        ),
    )
    guided, single = (decoder(model, frame).decode(sources, [72] * 4) for decoder, model in models)
    assert [answer.tokens for answer in guided] == [answer.tokens for answer in single]
    assert max(len(answer.tokens) for answer in guided) > 40


def test_another_way_of_asking_still_works_for_one_sentence(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "gnb", "rewrite", "-o", "lora.decoding=plain", SENTENCE]
    plain = subprocess.run(command, cwd=tmp_path, encoding="utf-8", capture_output=True, check=True)
    guided = subprocess.run(
        [part for part in command if "plain" not in part and part != "-o"],
        cwd=tmp_path,
        encoding="utf-8",
        capture_output=True,
        check=True,
    )
    assert plain.stdout == guided.stdout
