"""A tiny random language model, adapter and detector, with a real tokenizer, for tests that need no sense."""

import json
import shutil
from pathlib import Path

from gnb.models.classifier import load_classifier
from gnb.models.loading import load_model
from gnb.models.options import ModelOptions
from gnb.sources.bundled import BundledOptions, BundledSource

VOCABULARY = 1500
PARTS = "abcdefgijklmnopqrstuvwxyz01234567"
"""The parts of the bundled corpus that tokenizers learn from, so that these models stay what they are as it grows."""
SPECIAL = ("<pad>", "<eos>", "<bos>", "<unk>")
LLAMA_SPECIAL = ("<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>")
LLAMA_TEMPLATE = (
    "{% for message in messages %}{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'"
    " + message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}"
    "{% endif %}{{ content }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
"""The chat template of Llama 3 Instruct."""


def build_tiny_model(folder: Path, seed: int = 0) -> Path:
    """Write a Gemma 3 of two layers (one of them with a sliding window) and its tokenizer; return the folder."""
    import torch
    from transformers import Gemma3ForCausalLM, Gemma3TextConfig

    tokenizer = _tokenizer()
    torch.manual_seed(seed)
    config = Gemma3TextConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=1,
        head_dim=16,
        query_pre_attn_scalar=16,
        sliding_window=256,
        layer_types=["sliding_attention", "full_attention"],
        max_position_embeddings=1024,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=tokenizer.bos_token_id,
    )
    Gemma3ForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def build_rounded_model(model: Path, folder: Path) -> Path:
    """Write the tiny model in bfloat16; return the folder."""
    import torch
    from transformers import AutoModelForCausalLM

    AutoModelForCausalLM.from_pretrained(model, dtype=torch.bfloat16).save_pretrained(folder)
    for file in model.glob("*token*"):
        shutil.copy(file, folder)
    return folder


def build_tiny_chat_model(
    folder: Path, template: str | None = LLAMA_TEMPLATE, seed: int = 0, head_size: int = 16, inner_size: int = 96
) -> Path:
    """Write a Llama of two layers with several end tokens and a chat template, as Llama 3 Instruct has them."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = _byte_level_tokenizer()
    tokenizer.chat_template = template
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=4 * head_size,
        intermediate_size=inner_size,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        initializer_range=0.2,
        bos_token_id=0,
        eos_token_id=[1, 4],
    )
    model = LlamaForCausalLM(config)
    # what chat models bring along must not change a greedy answer
    model.generation_config.update(do_sample=True, temperature=0.6, top_p=0.9, repetition_penalty=1.3)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def build_tiny_adapter(model: Path, folder: Path, seed: int = 2) -> Path:
    """Write a random LoRA adapter for a tiny model, as peft saves it; return the folder."""
    return _save_adapter(load_model(ModelOptions(base_model=str(model))).model, folder, "CAUSAL_LM", seed)


def build_tiny_detector(model: Path, folder: Path) -> Path:
    """Write a random detector of three categories, which finds about half of all texts biased; return the folder."""
    import torch

    categories = ["none", "family", "tweet"]
    torch.manual_seed(2)
    loaded = load_classifier(ModelOptions(base_model=str(model)), len(categories))
    _save_adapter(loaded.model, folder, "SEQ_CLS", seed=2)
    card = {"task": "detect", "base_model": model.name, "categories": categories, "calibration": {"intercept": -0.7}}
    (folder / "gnb.json").write_text(json.dumps(card), "utf-8")
    return folder


def _save_adapter(model, folder: Path, task: str, seed: int) -> Path:
    import torch
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(seed)
    config = LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False, task_type=task)
    get_peft_model(model, config).save_pretrained(folder)
    return folder


def _byte_level_tokenizer():
    """Train a byte-level byte-pair encoding, as Llama 3's is, on the bundled corpus."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    words = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"  # Llama 3's
    tokenizer = Tokenizer(models.BPE())
    split = pre_tokenizers.Split(Regex(words), "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=[*LLAMA_SPECIAL], initial_alphabet=alphabet, show_progress=False
    )
    texts = [example.text for example in BundledSource(BundledOptions(parts=PARTS)).read(print)][::20]
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=LLAMA_SPECIAL[0], eos_token=LLAMA_SPECIAL[4])


def _tokenizer():
    """Train a byte-pair encoding with byte fallback on the bundled corpus, as Gemma's is."""
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    bytes_ = [f"<0x{value:02X}>" for value in range(256)]
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("\n+|▁*[^▁\n]+"), "isolated")
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    texts = [example.text for example in BundledSource(BundledOptions(parts=PARTS)).read(print)][::4]
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=[*SPECIAL, *bytes_, "\n"], limit_alphabet=200, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="<bos> $A", special_tokens=[("<bos>", 2)])
    values = json.loads(tokenizer.to_str())
    # the trainer knows no other way to reserve tokens, but bytes and line breaks are text, not special
    values["added_tokens"] = [token for token in values["added_tokens"] if token["content"] in SPECIAL]
    tokenizer = Tokenizer.from_str(json.dumps(values))
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>", bos_token="<bos>", unk_token="<unk>"
    )
