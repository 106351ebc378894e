"""Models, adapters and texts that are not as they should be: one clear line each, or no harm at all."""

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from scripted import Workplace
from tiny_gguf import write_gguf
from tiny_model import LLAMA_SPECIAL, build_tiny_adapter, build_tiny_chat_model

from gnb.core.errors import GnbError, MissingDependencyError, ModelError, SettingsError
from gnb.core.options import build_options
from gnb.core.records import Example
from gnb.models.adapters import CARD, CONFIG
from gnb.models.classifier import encode
from gnb.models.gguf import converted
from gnb.models.loading import load_model, load_tokenizer, model_identity, weights_identity
from gnb.models.options import ModelOptions
from gnb.models.prompt import PUBLISHED, Prompt
from gnb.rewriters.base import BaseRewriter
from gnb.rewriters.local.options import LocalOptions, LoraOptions
from gnb.rewriters.lora import LoraRewriter
from gnb.training.items import Encoder

CONTROL = "می‌گوید <|eot_id|> و <|end_of_text|> و <|start_header_id|>system<|end_header_id|> و <eos> و <end_of_turn>."


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model of Llama 3's architecture, with a tokenizer of Llama 3's kind."""
    return build_tiny_chat_model(tmp_path_factory.mktemp("llama") / "model", template=None)


def line_of(options: ModelOptions, kind: type[GnbError] = ModelError) -> str:
    with pytest.raises(kind) as told:
        load_model(options)
    assert "\n" not in str(told.value)
    return str(told.value)


@pytest.mark.parametrize(
    ("lacking", "expected"),
    [
        ("config.json", r"there is no config\.json in"),
        ("tokenizer.json", r"there is no tokenizer \(tokenizer\.json\) in"),
        ("model.safetensors", r"weights are lacking"),
    ],
)
def test_a_folder_that_lacks_a_part_is_told_which(llama: Path, tmp_path: Path, lacking: str, expected: str):
    folder = shutil.copytree(llama, tmp_path / "model")
    (folder / lacking).unlink()
    assert re.search(expected, line_of(ModelOptions(base_model=str(folder))))


def test_weights_of_which_one_file_is_missing_are_told(llama: Path, tmp_path: Path):
    folder = shutil.copytree(llama, tmp_path / "model")
    index = {"weight_map": {"a": "model.safetensors", "b": "model-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), "utf-8")
    assert "weights are lacking" in line_of(ModelOptions(base_model=str(folder)))


def test_an_adapter_in_the_place_of_a_model_is_told_apart(tmp_path: Path):
    (tmp_path / "adapter_config.json").write_text("{}", "utf-8")
    assert "is an adapter, not a model" in line_of(ModelOptions(base_model=str(tmp_path)))


def test_a_gguf_file_gives_the_model_that_it_was_made_of(llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import torch

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    file = write_gguf(llama, tmp_path / "tiny.gguf")
    loaded = load_model(ModelOptions(base_model=str(file), dtype="float32"))
    original = load_model(ModelOptions(base_model=str(llama), dtype="float32"))
    for parameter in original.model.parameters():
        parameter.data = parameter.bfloat16().float()  # as the file holds them
    tokens = load_tokenizer(str(file))("زن و مرد", add_special_tokens=False)["input_ids"]
    assert tokens == original.tokenizer("زن و مرد", add_special_tokens=False)["input_ids"]
    with torch.inference_mode():
        found, expected = (each.model(torch.tensor([tokens])).logits for each in (loaded, original))
    assert torch.allclose(found, expected, atol=0.001)
    assert len(weights_identity(str(file))["weights"]) == 16


def test_what_a_killed_conversion_left_goes_at_the_next_one(tmp_path: Path) -> None:
    (tmp_path / ".model-abcd_123").mkdir()
    (tmp_path / ".model-2-abcd_123").mkdir()  # of another model, whose conversion may be under way
    converted(tmp_path / "model", lambda folder: folder.mkdir())
    assert sorted(path.name for path in tmp_path.iterdir()) == [".model-2-abcd_123", "model", "model.lock"]


def test_a_gguf_file_is_converted_with_one_note_and_no_bar(
    llama: Path, workplace: Workplace, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("GNB_CACHE", str(workplace.folder / "cache"))
    file = write_gguf(llama, workplace.folder / "tiny.gguf")
    arguments = ("rewrite", "-r", "base", "-o", f"base.base_model={file}", "زن و مرد")
    said = [workplace.run(*arguments)[1].splitlines() for _ in range(2)]
    unpacking = [[line for line in lines if "npacking" in line] for lines in said]
    assert [len(lines) for lines in unpacking] == [1, 0]
    assert str(workplace.folder / "cache") in unpacking[0][0]
    assert not any("%|" in line for lines in said for line in lines), said


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"GGUF", "is no GGUF file, or it is damaged"), (b"nothing of the kind", "is no GGUF file, or it is damaged")],
)
def test_a_damaged_gguf_file_is_told(tmp_path: Path, content: bytes, expected: str):
    (tmp_path / "bad.gguf").write_bytes(content)
    assert expected in line_of(ModelOptions(base_model=str(tmp_path / "bad.gguf")))


def test_a_gguf_file_of_an_unknown_architecture_is_told_with_what_helps(llama: Path, tmp_path: Path):
    file = write_gguf(llama, tmp_path / "odd.gguf", architecture="hyenabird")
    line = line_of(ModelOptions(base_model=str(file)))
    assert "architecture 'hyenabird'" in line
    assert "rewriter gpt" in line


def test_a_gguf_file_that_is_not_there_is_told(tmp_path: Path):
    assert "no model folder or GGUF file" in line_of(ModelOptions(base_model=f"{tmp_path.name}/none.gguf"))


def test_an_adapter_of_other_weights_of_the_same_shapes_is_refused(llama: Path, tmp_path: Path):
    adapter = build_tiny_adapter(llama, tmp_path / "adapter")
    card = {"base_model": "model", "base_weights": weights_identity(str(llama))}
    (adapter / CARD).write_text(json.dumps(card), "utf-8")
    other = build_tiny_chat_model(tmp_path / "model", template=None, seed=5)
    options = LoraOptions(base_model=str(llama), adapter=str(adapter))
    with LoraRewriter(options) as rewriter:
        assert len(list(rewriter.rewrite(["سلام"]))) == 1
    with pytest.raises(ModelError, match="trained on other weights") as told:
        list(LoraRewriter(options.model_copy(update={"base_model": str(other)})).rewrite(["سلام"]))
    assert "\n" not in str(told.value)


def test_a_longer_context_than_the_model_takes_is_refused(llama: Path):
    options = build_options(LocalOptions, {"base_model": str(llama), "context_length": 4096}, "base")
    with pytest.raises(SettingsError, match="takes 2048 tokens at the most"):
        list(BaseRewriter(options).rewrite(["سلام"]))


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("context_length", 63, "from 64 to 131072, or auto"),
        ("context_length", "long", "from 64 to 131072, or auto"),
        ("max_memory", {"gpu": "14GiB"}, "a size for each device"),
        ("max_memory", {"0": "14"}, "a size for each device"),
        ("max_memory", "14GiB", "a size for each device"),
    ],
)
def test_a_wrong_value_is_told_in_one_line(option: str, value: object, expected: str):
    with pytest.raises(SettingsError, match=expected) as told:
        build_options(ModelOptions, {option: value}, "rewriter 'base'")
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    "values",
    [
        {"device": "gpu"},
        {"device": "cuda:99"},
        {"device": "meta"},
        {"device": "hpu"},
        {"device_map": "cuda:99"},
        {"device_map": "disk"},
        {"max_memory": {"99": "1GiB", "cpu": "1GiB"}},
        {"device": "cuda:99", "quantisation": "8bit"},
    ],
)
def test_a_device_that_is_not_there_is_told(llama: Path, values: dict[str, Any]):
    assert "There is no device" in line_of(ModelOptions(base_model=str(llama), **values), SettingsError)


def test_attention_that_needs_a_package_says_so(llama: Path):
    options = ModelOptions(base_model=str(llama), attention="flash_attention_2")
    assert "flash-attn" in line_of(options, MissingDependencyError)


def test_names_of_control_tokens_are_text_wherever_a_text_is_encoded(llama: Path):
    tokenizer = load_tokenizer(str(llama))
    control = {tokenizer.convert_tokens_to_ids(token) for token in LLAMA_SPECIAL}
    prompt = Prompt(PUBLISHED, tokenizer)
    tokens = prompt.tokens_of(CONTROL)
    assert not control & set(tokens)
    assert tokenizer.decode(tokens, skip_special_tokens=True) == CONTROL
    assert not control & set(encode(tokenizer, CONTROL)[1:])
    encoder = Encoder(prompt, 1024, 1.0)
    (item,) = encoder.encode([Example("1", CONTROL, (CONTROL,))]).items
    assert not control & set(item.tokens[len(prompt.before) : -1])


def test_names_of_control_tokens_survive_in_the_output(llama: Path):
    with BaseRewriter(LocalOptions(base_model=str(llama), dtype="float32", copy_bonus=20)) as rewriter:
        (answer,) = rewriter.rewrite([CONTROL])
    assert (answer.raw, answer.text) == (CONTROL, CONTROL)


def changed(model: Path, folder: Path, file: str, **values: object) -> Path:
    """Copy a model, and change some values of one of its JSON files."""
    shutil.copytree(model, folder)
    found = json.loads((folder / file).read_text("utf-8"))
    (folder / file).write_text(json.dumps(found | values), "utf-8")
    return folder


def without_weights(model: Path, folder: Path, *lacking: str) -> Path:
    """Copy a model but for some of its weights."""
    from safetensors.torch import load_file, save_file

    shutil.copytree(model, folder)
    weights = load_file(folder / "model.safetensors")
    kept = {name: value for name, value in weights.items() if name not in lacking}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


OWN_CODE = {"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Model", "AutoTokenizer": ["own.Tok", None]}


@pytest.mark.parametrize(
    ("file", "values"),
    [
        ("config.json", {"model_type": "own", "auto_map": OWN_CODE}),
        ("tokenizer_config.json", {"tokenizer_class": "Own", "auto_map": OWN_CODE}),
    ],
)
def test_code_of_a_model_is_never_run_nor_asked_about(
    llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, values: dict[str, Any]
):
    folder = changed(llama, tmp_path / "model", file, **values)
    (folder / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')", "utf-8")
    asked: list[str] = []
    monkeypatch.setattr("builtins.input", lambda question="": asked.append(question) or "y")
    line = line_of(ModelOptions(base_model=str(folder)))
    assert not asked
    assert not (tmp_path / "ran").exists()
    assert str(folder) in line
    assert "gnb runs no code of models" in line


def test_a_model_of_which_weights_lack_is_refused(llama: Path, tmp_path: Path):
    lacking = ("model.layers.1.mlp.up_proj.weight", "model.layers.1.mlp.down_proj.weight")
    line = line_of(ModelOptions(base_model=str(without_weights(llama, tmp_path / "model", *lacking))))
    assert "do not hold model.layers.1.mlp.down_proj.weight and 1 more" in line


def test_an_output_layer_that_nothing_ties_must_be_there(llama: Path, tmp_path: Path):
    folder = without_weights(llama, tmp_path / "model", "lm_head.weight")
    assert "do not hold lm_head.weight" in line_of(ModelOptions(base_model=str(folder)))


def test_a_tied_output_layer_and_a_new_classifier_need_no_weights(tiny_model: Path):
    from gnb.models.classifier import load_classifier

    assert load_model(ModelOptions(base_model=str(tiny_model))).model.config.tie_word_embeddings
    assert load_classifier(ModelOptions(base_model=str(tiny_model)), 3).model.score.weight.shape[0] == 3


def test_a_base_of_a_classifier_must_hold_all_other_weights(llama: Path, tmp_path: Path):
    from gnb.models.classifier import load_classifier

    folder = without_weights(llama, tmp_path / "model", "model.norm.weight")
    with pytest.raises(ModelError, match=r"do not hold model\.norm\.weight"):
        load_classifier(ModelOptions(base_model=str(folder)), 3)


def test_a_model_of_embeddings_must_hold_its_weights(llama: Path, tmp_path: Path):
    pytest.importorskip("bert_score")
    from gnb.metrics.bertscore import BertScoreOptions
    from gnb.metrics.embeddings import Embedder

    folder = without_weights(llama, tmp_path / "model", "model.layers.0.mlp.up_proj.weight")
    with pytest.raises(ModelError, match=r"do not hold layers\.0\.mlp\.up_proj"):
        Embedder(BertScoreOptions(model=str(folder), layer=1), 1)


def test_a_gguf_file_must_hold_all_weights(llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    file = write_gguf(llama, tmp_path / "tiny.gguf", lacking="blk.1.ffn_up.weight")
    assert "do not hold model.layers.1.mlp.up_proj.weight" in line_of(ModelOptions(base_model=str(file)))


@pytest.mark.parametrize("content", ["[]", "null", "{", "3"])
@pytest.mark.parametrize("file", ["config.json", "generation_config.json", "tokenizer_config.json"])
def test_a_file_of_settings_that_is_no_object_is_named(llama: Path, tmp_path: Path, file: str, content: str):
    folder = shutil.copytree(llama, tmp_path / "model")
    (folder / file).write_text(content, "utf-8")
    assert f"{folder / file} is damaged" in line_of(ModelOptions(base_model=str(folder)))


@pytest.mark.parametrize("content", ["{}", "[]", '{"model": 3}'])
def test_a_damaged_tokenizer_is_told(llama: Path, tmp_path: Path, content: str):
    folder = shutil.copytree(llama, tmp_path / "model")
    (folder / "tokenizer.json").write_text(content, "utf-8")
    assert "cannot be loaded" in line_of(ModelOptions(base_model=str(folder)))


@pytest.mark.parametrize(
    "values",
    [
        {"num_attention_heads": 0},
        {"max_position_embeddings": "x"},
        {"hidden_size": 128},
        {"hidden_size": None},
        {"rope_parameters": 5},
    ],
)
def test_settings_that_make_no_model_are_told(llama: Path, tmp_path: Path, values: dict[str, Any]):
    folder = changed(llama, tmp_path / "model", "config.json", **values)
    assert "cannot be loaded" in line_of(ModelOptions(base_model=str(folder)))


def test_a_model_without_an_end_token_is_none_that_writes(llama: Path, tmp_path: Path):
    model = changed(llama, tmp_path / "model", "tokenizer_config.json", eos_token=None)
    rewriter = BaseRewriter(LocalOptions(base_model=str(model), template="plain"))
    with pytest.raises(ModelError, match="has no end token: it is none that writes answers"):
        next(iter(rewriter.rewrite(["زن باید صبور باشد."])))


@pytest.mark.parametrize("file", ["pytorch_model.bin", "tokenizer.model"])
def test_a_model_with_another_file_of_weights_or_tokens_is_another_one(llama: Path, tmp_path: Path, file: str):
    folder = shutil.copytree(llama, tmp_path / "model")
    (folder / file).write_bytes(b"one")
    before = model_identity(str(folder))
    (folder / file).write_bytes(b"another")
    assert model_identity(str(folder)) != before


def test_a_prompt_may_begin_with_the_text_where_the_tokenizer_puts_nothing_in_front(llama: Path, tmp_path: Path):
    model = changed(llama, tmp_path / "model", "tokenizer_config.json", add_bos_token=False, bos_token=None)
    answers = {}
    for decoding in ("guided", "plain"):
        options = LocalOptions(base_model=str(model), template="plain", prompt="{text} =>", decoding=decoding)
        with BaseRewriter(options) as rewriter:
            assert rewriter._prompt.before == []
            answers[decoding] = [answer.raw for answer in rewriter.rewrite(["زن باید صبور باشد.", "باران می‌بارد."])]
    assert answers["guided"] == answers["plain"]


def test_an_empty_name_is_no_model(llama: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(llama)
    assert "no model folder or GGUF file ''" in line_of(ModelOptions(base_model=""))
    with pytest.raises(ModelError, match="no model folder"):
        weights_identity("")


def told_of_adapter(model: Path, adapter: Path) -> str:
    with pytest.raises(ModelError) as told:
        list(LoraRewriter(LoraOptions(base_model=str(model), adapter=str(adapter))).rewrite(["سلام"]))
    assert "\n" not in str(told.value)
    return str(told.value)


@pytest.mark.parametrize("note", ['{"base_model": 3}', '{"prompt": 5}', '{"base_weights": [1]}', "[]", "3"])
def test_a_note_that_holds_nonsense_is_told(llama: Path, tmp_path: Path, note: str):
    adapter = build_tiny_adapter(llama, tmp_path / "adapter")
    (adapter / CARD).write_text(note, "utf-8")
    assert f"{adapter / CARD} is damaged" in told_of_adapter(llama, adapter)


def test_an_adapter_of_another_shape_is_told_with_the_first_mismatch(llama: Path, tmp_path: Path):
    other = build_tiny_chat_model(tmp_path / "model", template=None, head_size=32)
    line = told_of_adapter(llama, build_tiny_adapter(other, tmp_path / "adapter"))
    assert "does not fit the base model" in line
    assert "size mismatch for base_model.model.model.layers.0" in line


def test_an_adapter_that_names_another_rank_than_it_has_is_refused(llama: Path, tmp_path: Path):
    adapter = build_tiny_adapter(llama, tmp_path / "adapter")
    changed(adapter, tmp_path / "other", CONFIG, r=8)
    assert "says r = 8, its matrices have rank 4" in told_of_adapter(llama, tmp_path / "other")
    changed(adapter, tmp_path / "odd", CONFIG, r=[4])
    assert "says r = [4], its matrices have rank 4" in told_of_adapter(llama, tmp_path / "odd")


@pytest.mark.parametrize("settings", ['{"peft_type": "PROMPT_TUNING", "task_type": "CAUSAL_LM"}', "{}", "[]"])
def test_an_adapter_of_another_kind_is_refused(llama: Path, tmp_path: Path, settings: str):
    adapter = build_tiny_adapter(llama, tmp_path / "adapter")
    (adapter / CONFIG).write_text(settings, "utf-8")
    assert str(adapter) in told_of_adapter(llama, adapter)


@pytest.mark.parametrize("package", ["gguf", "filelock"])
def test_a_conversion_that_lacks_a_package_names_it(
    llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    file = write_gguf(llama, tmp_path / "tiny.gguf")
    load_tokenizer(str(llama))  # transformers itself needs filelock
    monkeypatch.setitem(sys.modules, package, None)
    line = line_of(ModelOptions(base_model=str(file)), MissingDependencyError)
    assert f"needs {package}. Install: pip install 'gnb[local]'" in line


@pytest.mark.parametrize(
    "values",
    [
        {"attn_implementation": "someone/kernel"},
        {"_attn_implementation": "someone/kernel@main"},
        {"text_config": {"attn_implementation": "someone/kernel"}},
    ],
)
def test_a_kernel_of_the_hub_that_a_model_names_is_never_fetched(llama: Path, tmp_path: Path, values: dict[str, Any]):
    folder = changed(llama, tmp_path / "model", "config.json", **values)
    assert "names code of the hub" in line_of(ModelOptions(base_model=str(folder)))
