"""Loading fast and small: a merge without peft and embeddings as they are stored change no number."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

from gnb.models.adapters import CONFIG, WEIGHTS, adapts_vocabulary, attach_adapter
from gnb.models.embedded import embedded_folder, embedded_tokenizer
from gnb.models.loading import LoadedModel, load_model
from gnb.models.merging import is_plain_adapter, merge_plain
from gnb.models.options import ModelOptions
from gnb.models.stored import load_stored
from gnb.sources.bundled import BundledOptions, BundledSource

TOKENS = torch.tensor([[2, 300, 700, 1200, 45, 9], [2, 8, 8, 1499, 600, 31]])


def load(folder: Path, dtype: str = "float32"):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype)).eval()


def weights(model) -> dict[str, torch.Tensor]:
    return dict(model.named_parameters())


def same_weights(one, other) -> bool:
    return all(torch.equal(value, weights(other)[name]) for name, value in weights(one).items())


@pytest.fixture(scope="module")
def rounded_model(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model in bfloat16."""
    folder = tmp_path_factory.mktemp("rounded")
    load(tiny_model, "bfloat16").save_pretrained(folder)
    return folder


def save_adapter(model_folder: Path, folder: Path, **settings: object) -> Path:
    torch.manual_seed(0)
    config = LoraConfig(**{"r": 4, "target_modules": "all-linear", "init_lora_weights": False, **settings})
    get_peft_model(load(model_folder), config).save_pretrained(folder)
    return folder


def test_stored_embeddings_give_the_numbers_of_float32(rounded_model: Path):
    stored, plain = load_stored(rounded_model, AutoModelForCausalLM).eval(), load(rounded_model)
    with torch.inference_mode():
        assert torch.equal(stored(TOKENS).logits, plain(TOKENS).logits)
    answers = [
        model.generate(TOKENS, attention_mask=torch.ones_like(TOKENS), max_new_tokens=8, do_sample=False)
        for model in (stored, plain)
    ]
    assert torch.equal(*answers)
    assert stored.dtype == torch.float32
    assert stored.get_input_embeddings().weight.dtype == torch.bfloat16


def test_weights_of_another_architecture_are_refused(rounded_model: Path, tmp_path: Path):
    shutil.copytree(rounded_model, tmp_path / "other")
    config = json.loads((tmp_path / "other" / "config.json").read_text())
    config |= {"num_hidden_layers": 1, "layer_types": ["full_attention"]}
    (tmp_path / "other" / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match="another architecture"):
        load_stored(tmp_path / "other", AutoModelForCausalLM)


def test_the_embedded_model_in_float32_keeps_its_stored_embeddings():
    loaded = load_model(ModelOptions(dtype="float32", device="cpu"), stored_embeddings=True)
    assert loaded.model.dtype == torch.float32
    assert loaded.model.get_input_embeddings().weight.dtype == torch.bfloat16


def test_the_embedded_model_computes_attention_as_it_is_told():
    options = ModelOptions(dtype="float32", device="cpu", attention="eager")
    assert load_model(options, stored_embeddings=True).model.config._attn_implementation == "eager"


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_plain_adapter_is_merged_as_peft_merges_it(tiny_model: Path, tiny_adapter: Path, dtype: str):
    model = load(tiny_model, dtype)
    assert merge_plain(model, tiny_adapter / CONFIG, tiny_adapter / WEIGHTS)
    assert not same_weights(model, load(tiny_model, dtype))
    assert same_weights(model, PeftModel.from_pretrained(load(tiny_model, dtype), tiny_adapter).merge_and_unload())


@pytest.mark.parametrize("settings", [{"use_dora": True}, {"use_rslora": True}, {"rank_pattern": {"q_proj": 2}}])
def test_any_other_adapter_is_left_to_peft(tiny_model: Path, tmp_path: Path, settings: dict[str, object]):
    adapter = save_adapter(tiny_model, tmp_path, **settings)
    model = load(tiny_model)
    assert not merge_plain(model, adapter / CONFIG, adapter / WEIGHTS)
    assert same_weights(model, load(tiny_model))
    attached = attach_adapter(LoadedModel(model, None), adapter).model
    assert same_weights(attached, PeftModel.from_pretrained(load(tiny_model), adapter).merge_and_unload())


def test_an_adapter_that_does_not_fit_leaves_the_model_as_it_was(tiny_model: Path, tiny_adapter: Path, tmp_path: Path):
    from safetensors.torch import load_file, save_file

    matrices = load_file(tiny_adapter / WEIGHTS)
    matrices["base_model.model.model.layers.7.mlp.up_proj.lora_A.weight"] = torch.zeros(4, 64)
    save_file(matrices, tmp_path / WEIGHTS)
    model = load(tiny_model)
    assert not merge_plain(model, tiny_adapter / CONFIG, tmp_path / WEIGHTS)
    assert same_weights(model, load(tiny_model))


def test_an_adapter_of_the_embeddings_is_told_from_others(tiny_model: Path, tiny_adapter: Path, tmp_path: Path):
    assert adapts_vocabulary(save_adapter(tiny_model, tmp_path, target_modules=["embed_tokens", "q_proj"]))
    assert not adapts_vocabulary(tiny_adapter)


def test_the_embedded_tokenizer_is_the_one_that_transformers_makes_of_its_folder():
    ours, theirs = embedded_tokenizer(), AutoTokenizer.from_pretrained(embedded_folder(), local_files_only=True)
    texts = [example.text for example in BundledSource(BundledOptions()).read(print)][::10]
    texts += ["", " ", "<eos> a <bos>\n\n\tب", "👨‍👩‍👧 日本語  a   b", "\x00\u200f\ufeff"]
    for settings in ({}, {"add_special_tokens": False, "split_special_tokens": True}):
        assert ours(texts, **settings)["input_ids"] == theirs(texts, **settings)["input_ids"]
    assert ours.special_tokens_map == theirs.special_tokens_map
    assert ours.get_vocab() == theirs.get_vocab()
    tokens = ours(texts)["input_ids"]
    assert ours.batch_decode(tokens, skip_special_tokens=True) == theirs.batch_decode(tokens, skip_special_tokens=True)


def test_a_detector_that_was_trained_on_stays_plain_though_peft_names_its_classifier_twice(
    tiny_detector: Path, tmp_path: Path
):
    settings = json.loads((tiny_detector / CONFIG).read_text("utf-8"))
    settings["modules_to_save"] *= 2
    (tmp_path / CONFIG).write_text(json.dumps(settings), "utf-8")
    assert is_plain_adapter(tmp_path / CONFIG)
