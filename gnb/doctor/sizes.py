"""How large a model is, and how much memory a run of it takes: read from its files, without loading it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from gnb.core.errors import ModelError
from gnb.models.options import ModelOptions

_QUANTISED = {"8bit": 1.0, "4bit": 0.516}
"""Bytes of a quantised weight; NF4 with double quantisation keeps 0.127 bits of constants for each weight (Dettmers et
al. 2023, arXiv 2305.14314)."""
_LARGEST_HEADER = 100_000_000
"""Bytes, as safetensors itself allows."""
_HEADROOM, _SHARE = 1.0e9, 0.1
"""Bytes that libraries, activations and logits take besides, and the share of the weights: rough."""


@dataclass(frozen=True, slots=True)
class Size:
    """How large a model is.

    Attributes:
        parameters: all of them.
        outer: those of embeddings and output layer, which stay as they are in a quantised model.
        cache: elements that one token takes in the key-value cache.
    """

    parameters: int
    outer: int
    cache: int

    def needed(self, options: ModelOptions, *, tokens: int, width: int) -> int:
        """Return an estimate of the bytes that a run takes: weights, key-value cache, and the rest.

        Args:
            options: how the model is loaded.
            tokens: how many tokens are in the key-value cache at once.
            width: bytes of an element that is not quantised.
        """
        inner = _QUANTISED.get(options.quantisation, width)
        weights = self.outer * width + (self.parameters - self.outer) * inner
        return int(weights * (1 + _SHARE) + tokens * self.cache * width + _HEADROOM)


def size_of(folder: Path) -> Size | None:
    """Return the size of the model in a folder, None if nothing there tells it.

    The weights' own headers are read where they are there, else it is reckoned from the configuration of a Llama-like
    model.

    Raises:
        ModelError: if its configuration or a weight file is damaged.
    """
    config = _config(folder)
    shapes = dict(_shapes(folder))
    if not config:
        return None
    if not shapes:
        return _reckoned(config)
    parameters = sum(prod(shape) for shape in shapes.values())
    outer = sum(prod(shape) for name, shape in shapes.items() if "embed_tokens" in name or "lm_head" in name)
    return Size(parameters, outer, _cache_elements(config))


def read_object(file: Path) -> dict[str, Any]:
    """Return the JSON object in one of a model's files, an empty one if there is no such file.

    Raises:
        ModelError: if the file is damaged.
    """
    try:
        return dict(json.loads(file.read_text("utf-8"))) if file.is_file() else {}
    except (ValueError, TypeError):
        raise ModelError(f"{file} is damaged: it holds no JSON object. Copy or fetch it anew.") from None


def _config(folder: Path) -> Mapping[str, Any]:
    config = read_object(folder / "config.json")
    found: Mapping[str, Any] = config.get("text_config", config)
    return found


def _shapes(folder: Path) -> Iterator[tuple[str, list[int]]]:
    """Yield each tensor's name and shape from the headers of the safetensors files of a folder."""
    for file in folder.glob("*.safetensors"):
        try:
            with file.open("rb") as stream:
                length = int.from_bytes(stream.read(8), "little")
                header = json.loads(stream.read(min(length, _LARGEST_HEADER)))
            header.pop("__metadata__", None)
            whole = 8 + length + max((tensor["data_offsets"][1] for tensor in header.values()), default=0)
            if file.stat().st_size < whole:
                raise ModelError(f"{file} was not copied or fetched to its end: it lacks a part. Do it anew.")
            yield from [(name, tensor["shape"]) for name, tensor in header.items()]
        except (ValueError, AttributeError, TypeError, KeyError):
            raise ModelError(f"{file} is damaged, or no safetensors file. Copy or fetch it anew.") from None


def _reckoned(config: Mapping[str, Any]) -> Size | None:
    """Reckon the size of a model whose layers are made as Llama's: gated, without biases."""
    try:
        hidden, inner, layers = (config[key] for key in ("hidden_size", "intermediate_size", "num_hidden_layers"))
        outer = config["vocab_size"] * hidden * (1 if config.get("tie_word_embeddings") else 2)
        heads, kv_heads, width = _heads(config)
    except KeyError:
        return None
    attention = hidden * width * (2 * heads + 2 * kv_heads)
    return Size(outer + layers * (attention + 3 * hidden * inner + 2 * hidden) + hidden, outer, _cache_elements(config))


def _cache_elements(config: Mapping[str, Any]) -> int:
    try:
        _, kv_heads, width = _heads(config)
        return int(2 * config["num_hidden_layers"] * kv_heads * width)
    except KeyError:
        return 0


def _heads(config: Mapping[str, Any]) -> tuple[int, int, int]:
    heads = config["num_attention_heads"]
    width = config.get("head_dim") or config["hidden_size"] // heads
    return heads, config.get("num_key_value_heads") or heads, width
