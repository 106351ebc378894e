"""Weights in 8 and 4 bits by the real bitsandbytes on a CPU, training on them, and parts of a model kept elsewhere."""

import gc
import os
import random
import subprocess
import sys
import weakref
from pathlib import Path

import pytest
from tiny_model import PARTS, build_tiny_chat_model
from training_bench import Bench

from gnb.models.loading import load_model
from gnb.models.options import ModelOptions
from gnb.rewriters.base import BaseRewriter
from gnb.rewriters.local.options import LocalOptions, LoraOptions
from gnb.rewriters.lora import LoraRewriter
from gnb.sources.bundled import BundledOptions, BundledSource
from gnb.training.data import TrainingData, select_data

EXAMPLES = list(BundledSource(BundledOptions(parts=PARTS)).read(print))
TEXTS = [example.text for example in random.Random(4).sample(EXAMPLES, 3)]


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model of Llama 3's architecture; 4 bits of bitsandbytes need widths that 64 divides on some processors."""
    return build_tiny_chat_model(tmp_path_factory.mktemp("llama") / "model", template=None, inner_size=128, seed=1)


@pytest.fixture(scope="module")
def data() -> TrainingData:
    return select_data(EXAMPLES, limit=8)


def answers(llama: Path, **values: object) -> list[str]:
    options = LocalOptions(base_model=str(llama), dtype="float32", length_factor=0.3, **values)
    with BaseRewriter(options) as rewriter:
        return [answer.raw or "" for answer in rewriter.rewrite(TEXTS)]


@pytest.mark.parametrize("quantisation", ["8bit", "4bit"])
def test_quantised_weights_answer_guided_as_plainly(llama: Path, quantisation: str):
    found = answers(llama, quantisation=quantisation, output_layer="full")
    assert all(found)
    assert found == answers(llama, quantisation=quantisation, decoding="plain")


def test_no_library_fetches_code_from_the_hub_as_it_is_imported(tmp_path: Path):
    (tmp_path / "kernels.py").write_text("raise SystemExit('code from the hub')", "utf-8")
    (tmp_path / "kernels-1.0.dist-info").mkdir()
    (tmp_path / "kernels-1.0.dist-info" / "METADATA").write_text("Name: kernels\nVersion: 1.0\n", "utf-8")
    imports = "import bitsandbytes, peft, transformers.integrations.hub_kernels"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}

    def run(code: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-c", code], check=False, capture_output=True, text=True, env=environment
        )
        return done.returncode, done.stderr

    if run(imports) == (0, ""):
        pytest.skip("bitsandbytes asks for kernels on processors with AVX512_BF16 alone")
    assert run(imports) == (1, "code from the hub\n")
    assert run(f"from gnb.models.quiet import quiet_transformers; quiet_transformers(); {imports}") == (0, "")


def test_the_weights_are_smaller_and_the_output_layer_whole(llama: Path):
    import torch

    full = load_model(ModelOptions(base_model=str(llama), dtype="float32")).model
    size = full.model.layers.state_dict()["0.mlp.up_proj.weight"].nbytes
    for quantisation, share in (("8bit", 4), ("4bit", 8)):
        model = load_model(ModelOptions(base_model=str(llama), dtype="float32", quantisation=quantisation)).model
        assert model.model.layers[0].mlp.up_proj.weight.nbytes == size / share
        assert model.lm_head.weight.dtype == torch.float32
    settings = model.config.quantization_config
    assert (settings.bnb_4bit_quant_type, settings.bnb_4bit_use_double_quant) == ("nf4", True)


@pytest.mark.parametrize("quantisation", ["8bit", "4bit"])
def test_an_adapter_learnt_on_quantised_weights_answers_the_same_after_a_new_start(
    llama: Path, data: TrainingData, tmp_path: Path, quantisation: str
):
    bench = Bench(llama, data, tmp_path)
    bench.train(quantisation=quantisation, dtype="float32", epochs=4)
    assert bench.losses()[-1] < bench.losses()[0]
    options = LoraOptions(
        base_model=str(llama),
        adapter=str(tmp_path / "adapter"),
        quantisation=quantisation,
        dtype="float32",
        length_factor=0.3,
        lexicon_bonus=0,
    )
    found = []
    for _ in range(2):
        with LoraRewriter(options) as rewriter:
            found.append([answer.raw for answer in rewriter.rewrite(TEXTS)])
            model = weakref.ref(rewriter._loaded.model)
        gc.collect()
        assert model() is None  # its memory is free again
    assert found[0] == found[1]
    assert found[0] != answers(llama, quantisation=quantisation)


def test_what_is_not_quantised_is_trained_over_in_float32(llama: Path):
    import torch

    from gnb.models.quantising import prepare_for_training

    loaded = load_model(ModelOptions(base_model=str(llama), dtype="bfloat16", quantisation="8bit"))
    model = prepare_for_training(loaded.model, checkpointing=False)
    assert {weight.dtype for weight in model.parameters()} == {torch.int8, torch.float32}
    assert not any(weight.requires_grad for weight in model.parameters())


def test_checkpointing_changes_no_loss(llama: Path, data: TrainingData, tmp_path: Path):
    bench = Bench(llama, data, tmp_path)
    settings = {"epochs": 1, "dropout": 0.0, "dtype": "float32"}
    bench.train("plain", **settings)
    bench.train("checkpointed", gradient_checkpointing=True, **settings)
    assert bench.losses("checkpointed") == pytest.approx(bench.losses("plain"), rel=1e-4)


def test_parts_that_find_no_room_are_fetched_when_they_are_needed(llama: Path):
    """On a machine without GPU what does not fit into memory stays on the disk; the mechanism is that of a GPU's."""
    whole = answers(llama)
    options = {"max_memory": {"cpu": "300KB"}}
    assert answers(llama, **options) == whole
    assert answers(llama, decoding="plain", **options) == answers(llama, decoding="plain")
