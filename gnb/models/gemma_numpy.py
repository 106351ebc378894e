"""Gemma 3 in numpy, for a few sentences: it answers sooner than torch alone is imported.

It computes in float32 what `gnb.models.gemma` computes, one text at a time. An adapter stays beside the weights, which
all models that are loaded from one folder share. Gemma Team 2025, arXiv 2503.19786; LoRA: Hu et al. 2021,
arXiv 2106.09685.
"""

import json
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
from threadpoolctl import ThreadpoolController

from gnb.models.arrays import Floats, Stored, read_arrays
from gnb.models.gemma_config import GemmaConfig

_BODY, _ADAPTED = "model.", "base_model.model."
_FIRST, _SECOND = ".lora_A.weight", ".lora_B.weight"
_CLASSIFIER = "score.weight"

Cache = list[tuple[Floats, Floats]]
"""Keys and values of the tokens so far, of each layer: shape (key heads, tokens, head size)."""
_Angles = tuple[Floats, Floats]


class NumpyGemma:
    """A Gemma 3 without its output layer, with an adapter of two matrices a layer or without.

    Args:
        folder: the model, in the layout of transformers, its weights in one file.
        config: its settings.
        adapter: peft's files of settings and weights; None for the model as it is.

    Raises:
        OSError, ValueError, KeyError, TypeError: if a file is damaged, or the adapter does not fit.
    """

    def __init__(self, folder: Path, config: GemmaConfig, adapter: tuple[Path, Path] | None = None) -> None:
        self.config = config
        self.generation_config = config  # that of transformers says what ends an answer, and so does this
        self._weights = _shared(folder)
        self._eps, self._scale = np.float32(config.rms_norm_eps), np.float32(config.query_pre_attn_scalar**-0.5)
        self._sides: dict[str, tuple[Floats, Floats]] = {}
        self._classifier: Floats | None = None
        if adapter:
            self._lay(*adapter)

    def run(self, tokens: Sequence[int], cache: Cache) -> tuple[Floats, Cache]:
        """Return the last hidden states of tokens, shape (tokens, hidden size), and the cache with them.

        Args:
            tokens: what follows.
            cache: of what came before; empty for nothing. It stays as it is.

        Raises:
            ValueError: if all of them do not fit into the sliding window.
        """
        with _one_thread():
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

    def _lay(self, settings: Path, weights: Path) -> None:
        found = json.loads(settings.read_text("utf-8"))
        scale = np.float32(found["lora_alpha"] / found["r"])
        arrays = read_arrays(weights)
        for name, array in arrays.items():
            path = name.removeprefix(_ADAPTED).removeprefix(_BODY)
            if path.endswith(_CLASSIFIER):
                self._classifier = array.wide()
            elif path.endswith(_FIRST):
                first, second = array.wide(), arrays[name.replace(_FIRST, _SECOND)].wide()
                path = path.removesuffix(_FIRST)
                if (second.shape[0], first.shape[1]) != self._weights.body[path].shape:
                    raise ValueError(f"the matrices of {path} have another shape")
                self._sides[path] = first, second * scale
            elif not path.endswith(_SECOND):
                raise KeyError(name)

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


def _one_thread() -> AbstractContextManager[Any]:
    """Keep matrix products to one thread.

    They are so small that several gain little, and lose much where they wait for each other: on a busy machine a
    sentence takes four times as long with two.
    """
    limited: AbstractContextManager[Any] = _thread_pools().limit(limits=1, user_api="blas")
    return limited


@cache
def _thread_pools() -> ThreadpoolController:
    return ThreadpoolController()


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
    """What a folder holds: the embeddings as they are stored, the rest in float32, by names without `.weight`."""

    def __init__(self, folder: Path) -> None:
        arrays = read_arrays(folder / "model.safetensors")
        self.embeddings: Stored = arrays.pop("model.embed_tokens.weight")
        self.body = {name.removeprefix(_BODY).removesuffix(".weight"): array.wide() for name, array in arrays.items()}


_loaded: WeakValueDictionary[Path, _Weights] = WeakValueDictionary()


def _shared(folder: Path) -> _Weights:
    if (found := _loaded.get(folder)) is None:
        found = _loaded[folder] = _Weights(folder)
    return found
