"""The settings of a Gemma 3."""

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from gnb.core.errors import DAMAGES

_PLAIN = {
    "model_type": "gemma3_text", "hidden_activation": "gelu_pytorch_tanh", "tie_word_embeddings": True,
    "attention_bias": False, "attn_logit_softcapping": None, "use_bidirectional_attention": False,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class GemmaConfig:
    """What `config.json` says of the model, by the names of transformers."""

    hidden_size: int
    intermediate_size: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    query_pre_attn_scalar: float
    rms_norm_eps: float
    layer_types: list[str]
    rope_parameters: dict[str, dict[str, Any]]
    sliding_window: int
    vocab_size: int
    max_position_embeddings: int
    eos_token_id: int | list[int]
    final_logit_softcapping: float | None


def read_config(file: Path) -> GemmaConfig | None:
    """Read `config.json`.

    Returns:
        The settings; None if they are not those of a model that `gnb.models.gemma` computes, or cannot be read.
    """
    try:
        found = json.loads(file.read_text("utf-8"))
        plain = all(found[name] == value for name, value in _PLAIN.items())
        plain = plain and all(rope["rope_type"] == "default" for rope in found["rope_parameters"].values())
        config = GemmaConfig(**{field.name: found[field.name] for field in fields(GemmaConfig)})
    except DAMAGES:
        return None
    return config if plain else None
