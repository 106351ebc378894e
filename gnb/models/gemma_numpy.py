"""Gemma 3 in numpy, for a few sentences: it answers sooner than torch alone is imported.

It computes in float32 what `gnb.models.gemma` computes, one text at a time. An adapter stays beside the weights, which
all models that are loaded from one folder share. Gemma Team 2025, arXiv 2503.19786; LoRA: Hu et al. 2021,
arXiv 2106.09685.
"""

import json
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
from threadpoolctl import ThreadpoolController

from gnb.models.arrays import Floats, Stored, read_arrays
from gnb.models.gemma_config import GemmaConfig
from gnb.models.merging import match_adapter

_EMBEDDINGS, _CLASSIFIER = "model.embed_tokens.weight", "score.weight"

Cache = list[tuple[Floats, Floats]]
"""Keys and values of the tokens so far, of each layer: shape (key heads, tokens, head size)."""
_Angles = tuple[Floats, Floats]
_overflowing = np.errstate(over="ignore", invalid="ignore")
"""Of weights too large; callers look at the numbers that come out, and say so in one line."""


class NumpyGemma:
    """A Gemma 3 without its output layer, with an adapter of two matrices a layer or without.

    Args:
        folder: the model, in the layout of transformers, its weights in one file.
        config: its settings.
        adapter: peft's files of settings and weights; None for the model as it is.
        categories: how many the adapter's classifier must have; 0 if it must have none.

    Raises:
        One of `gnb.core.errors.DAMAGES`: if a file is damaged, or the weights or the adapter do not fit.
    """

    def __init__(
        self, folder: Path, config: GemmaConfig, adapter: tuple[Path, Path] | None = None, categories: int = 0
    ) -> None:
        self.config = config
        self.generation_config = config  # that of transformers says what ends an answer, and so does this
        self._weights = _shared(folder, config)
        self._eps, self._scale = np.float32(config.rms_norm_eps), np.float32(config.query_pre_attn_scalar**-0.5)
        self._sides: dict[str, tuple[Floats, Floats]] = {}
        self._classifier: Floats | None = None
        if adapter:
            self._lay(*adapter, categories)

    @_overflowing
    def run(self, tokens: Sequence[int], cache: Cache) -> tuple[Floats, Cache]:
        """Return the last hidden states of tokens, shape (tokens, hidden size), and the cache with them.

        Args:
            tokens: what follows.
            cache: of what came before; empty for nothing. It stays as it is.

        Raises:
            ValueError: if all of them do not fit into the sliding window.
        """
        with _one_thread:
            return self._run(tokens, cache)

    def _run(self, tokens: Sequence[int], cache: Cache) -> tuple[Floats, Cache]:
        start = cache[0][0].shape[1] if cache else 0
        total = start + len(tokens)
        if total > self.config.sliding_window:
            raise ValueError("more tokens than the sliding window has")
        hidden = self._weights.embeddings.rows(np.asarray(tokens)) * np.float32(self.config.hidden_size**0.5)
        angles = {kind: self._angles(kind, start, total) for kind in set(self.config.layer_types)}
        mask = np.triu(np.full((len(tokens), total), -np.inf, dtype=np.float32), start + 1)
        grown: Cache = []
        for index, kind in enumerate(self.config.layer_types):
            layer, before = f"layers.{index}.", cache[index] if cache else None
            attended, kept = self._attend(
                layer, self._norm(hidden, f"{layer}input_layernorm"), angles[kind], mask, before
            )
            grown.append(kept)
            hidden = hidden + self._norm(attended, f"{layer}post_attention_layernorm")
            fed = self._feed(layer, self._norm(hidden, f"{layer}pre_feedforward_layernorm"))
            hidden = hidden + self._norm(fed, f"{layer}post_feedforward_layernorm")
        return self._norm(hidden, "norm"), grown

    def output_rows(self, tokens: Iterable[int]) -> Floats:
        """Return the rows of the output layer for some tokens, shape (tokens, hidden size)."""
        return self._weights.embeddings.rows(np.asarray(list(tokens), dtype=np.intp))

    @_overflowing
    def category_logits(self, tokens: Sequence[int]) -> list[float]:
        """Return the logit of each category for a text.

        Raises:
            KeyError: if the adapter brought no classifier.
        """
        if self._classifier is None:
            raise KeyError(_CLASSIFIER)
        hidden, _ = self.run(tokens, [])
        logits: list[float] = (self._classifier @ hidden[-1]).tolist()
        return logits

    @_overflowing
    def _lay(self, settings: Path, weights: Path, categories: int) -> None:
        found, arrays = json.loads(settings.read_text("utf-8")), read_arrays(weights)
        shapes = _shapes(self.config)
        if categories:
            shapes[_CLASSIFIER] = (categories, self.config.hidden_size)
        matched = match_adapter(shapes, {name: array.values.shape for name, array in arrays.items()})
        scale = _finite(np.float32(found["lora_alpha"] / found["r"]))
        for parameter, first, second in matched.pairs:
            self._sides[_short(parameter)] = _finite(arrays[first].wide()), _finite(arrays[second].wide()) * scale
        for parameter, whole in matched.whole:
            if parameter != _CLASSIFIER:
                raise KeyError(parameter)
            self._classifier = _finite(arrays[whole].wide())

    def _linear(self, name: str, states: Floats) -> Floats:
        found: Floats = states @ self._weights.body[name].T
        if name in self._sides:
            first, second = self._sides[name]
            found += (states @ first.T) @ second.T
        return found

    def _norm(self, states: Floats, name: str) -> Floats:
        size: Floats = np.sqrt(np.mean(states * states, axis=-1, keepdims=True) + self._eps)
        normed: Floats = states / size
        return normed * (1 + self._weights.body[name])

    def _attend(
        self, layer: str, states: Floats, angles: _Angles, mask: Floats, before: tuple[Floats, Floats] | None
    ) -> tuple[Floats, tuple[Floats, Floats]]:
        attention = f"{layer}self_attn."
        query, keys, values = (self._heads(attention, kind, states) for kind in ("q_proj", "k_proj", "v_proj"))
        query = _rotate(self._norm(query, f"{attention}q_norm"), angles)
        keys = _rotate(self._norm(keys, f"{attention}k_norm"), angles)
        if before:
            keys, values = (np.concatenate(pair, axis=1) for pair in zip(before, (keys, values), strict=True))
        # some heads of the query share keys and values
        grouped: Floats = query.reshape(len(keys), -1, *query.shape[1:]) * self._scale
        scores: Floats = grouped @ keys[:, None].swapaxes(-1, -2) + mask
        attended = (_softmax(scores) @ values[:, None]).reshape(query.shape).swapaxes(0, 1).reshape(len(states), -1)
        return self._linear(f"{attention}o_proj", attended), (keys, values)

    def _heads(self, attention: str, kind: str, states: Floats) -> Floats:
        found = self._linear(attention + kind, states)
        return found.reshape(len(states), -1, self.config.head_dim).swapaxes(0, 1)

    def _feed(self, layer: str, states: Floats) -> Floats:
        gate = _gelu(self._linear(f"{layer}mlp.gate_proj", states))
        return self._linear(f"{layer}mlp.down_proj", gate * self._linear(f"{layer}mlp.up_proj", states))

    def _angles(self, kind: str, start: int, end: int) -> _Angles:
        """Return cosine and sine of the rotary embedding (Su et al. 2021, arXiv 2104.09864)."""
        size = self.config.head_dim
        base = np.float32(self.config.rope_parameters[kind]["rope_theta"])
        frequencies = 1 / base ** (np.arange(0, size, 2, dtype=np.float32) / np.float32(size))
        angles = np.arange(start, end, dtype=np.float32)[:, None] * frequencies
        doubled = np.concatenate((angles, angles), axis=-1)
        return np.cos(doubled), np.sin(doubled)


class _OneThread:
    """Keeps matrix products to one thread while anybody is inside.

    They are so small that several gain little, and lose much where they wait for each other: on a busy machine a
    sentence takes four times as long with two. The limit is the whole process's: the first who enters sets it, the last
    who leaves takes it back; else what one found, set by another, would stay.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._inside = 0
        self._limit: Any = None

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._limit = _thread_pools().limit(limits=1, user_api="blas")
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._limit.restore_original_limits()


_one_thread = _OneThread()


@cache
def _thread_pools() -> ThreadpoolController:
    return ThreadpoolController()


def _finite[Numbers: (Floats, np.float32)](numbers: Numbers) -> Numbers:
    if not np.isfinite(numbers).all():
        raise ValueError("a weight is no finite number")
    return numbers


def _rotate(states: Floats, angles: _Angles) -> Floats:
    cosine, sine = angles
    first, second = np.split(states, 2, axis=-1)
    rotated: Floats = states * cosine + np.concatenate((-second, first), axis=-1) * sine
    return rotated


def _softmax(scores: Floats) -> Floats:
    scores -= scores.max(axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=-1, keepdims=True)
    return scores


def _gelu(states: Floats) -> Floats:
    """Return the GELU in the approximation by tanh (Hendrycks and Gimpel 2016, arXiv 1606.08415)."""
    inner = np.float32((2 / np.pi) ** 0.5) * (states + np.float32(0.044715) * states * states * states)
    activated: Floats = np.float32(0.5) * states * (1 + np.tanh(inner))
    return activated


class _Weights:
    """What a folder holds: the embeddings as they are stored, the rest in float32, by their short names.

    Raises:
        ValueError: if something is missing or has another shape than the settings say.
    """

    def __init__(self, folder: Path, config: GemmaConfig) -> None:
        arrays = read_arrays(folder / "model.safetensors")
        if {name: array.values.shape for name, array in arrays.items()} != _shapes(config):
            raise ValueError(f"the weights in {folder} are not those of its config.json")
        self.embeddings: Stored = arrays.pop(_EMBEDDINGS)
        self.body = {_short(name): array.wide() for name, array in arrays.items()}


_loaded: WeakValueDictionary[Path, _Weights] = WeakValueDictionary()


def _shared(folder: Path, config: GemmaConfig) -> _Weights:
    if (found := _loaded.get(folder)) is None:
        found = _loaded[folder] = _Weights(folder, config)
    return found


def _short(name: str) -> str:
    return name.removeprefix("model.").removesuffix(".weight")


def _shapes(config: GemmaConfig) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the parameters by their names in transformers."""
    size, inner, head = config.hidden_size, config.intermediate_size, config.head_dim
    query, keys = config.num_attention_heads * head, config.num_key_value_heads * head
    layer = {
        **{f"{name}_layernorm": (size,) for name in ("input", "post_attention", "pre_feedforward", "post_feedforward")},
        "self_attn.q_proj": (query, size),
        "self_attn.k_proj": (keys, size),
        "self_attn.v_proj": (keys, size),
        "self_attn.o_proj": (size, query),
        "self_attn.q_norm": (head,),
        "self_attn.k_norm": (head,),
        "mlp.gate_proj": (inner, size),
        "mlp.up_proj": (inner, size),
        "mlp.down_proj": (size, inner),
    }
    layers = {
        f"model.layers.{index}.{name}.weight": shape
        for index in range(len(config.layer_types))
        for name, shape in layer.items()
    }
    return {_EMBEDDINGS: (config.vocab_size, size), **layers, "model.norm.weight": (size,)}
