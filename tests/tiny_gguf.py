"""Writes a tiny model of Llama's architecture as a GGUF file, as llama.cpp's converter names and orders things."""

import json
from pathlib import Path

import numpy as np

_LAYER = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


def write_gguf(model: Path, file: Path, architecture: str = "llama", lacking: str = "") -> Path:
    """Write the model of a folder, its weights rounded to bfloat16 and held as float32; return the file.

    Args:
        model: the folder.
        file: the file.
        architecture: what the file says of the model.
        lacking: a tensor that is left out.
    """
    from gguf import GGUFWriter

    config = json.loads((model / "config.json").read_text("utf-8"))
    writer = GGUFWriter(file, architecture)
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_parameters"]["rope_theta"])
    writer.add_vocab_size(config["vocab_size"])
    _add_tokenizer(writer, json.loads((model / "tokenizer.json").read_text("utf-8")))
    for name, values in _tensors(model, config).items():
        if name != lacking:
            writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def _add_tokenizer(writer, tokenizer: dict) -> None:
    vocabulary = sorted(tokenizer["model"]["vocab"], key=tokenizer["model"]["vocab"].get)
    special = {token["content"] for token in tokenizer["added_tokens"]}
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("llama-bpe")
    writer.add_token_list(vocabulary)
    writer.add_token_types([3 if token in special else 1 for token in vocabulary])
    writer.add_token_merges([" ".join(pair) for pair in tokenizer["model"]["merges"]])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(4)


def _tensors(model: Path, config: dict) -> dict[str, np.ndarray]:
    import torch
    from safetensors.torch import load_file

    weights = {
        name: value.to(torch.bfloat16).float().numpy() for name, value in load_file(model / "model.safetensors").items()
    }
    found = {
        "token_embd.weight": weights["model.embed_tokens.weight"],
        "output_norm.weight": weights["model.norm.weight"],
        "output.weight": weights["lm_head.weight"],
    }
    heads = {"attn_q": config["num_attention_heads"], "attn_k": config["num_key_value_heads"]}
    for layer in range(config["num_hidden_layers"]):
        for ours, theirs in _LAYER.items():
            value = weights[f"model.layers.{layer}.{theirs}.weight"]
            found[f"blk.{layer}.{ours}.weight"] = _interleave(value, heads[ours]) if ours in heads else value
    return found


def _interleave(value: np.ndarray, heads: int) -> np.ndarray:
    """Put the two halves of each head's rotary dimensions side by side, as llama.cpp wants them."""
    parts = value.reshape(heads, 2, value.shape[0] // heads // 2, *value.shape[1:])
    return np.ascontiguousarray(parts.swapaxes(1, 2).reshape(value.shape))
