"""Gemma 3 in torch alone, to run and not to train: the numbers of transformers, bit by bit where all is computed.

Importing transformers takes longer than the first sentence of the embedded model. Names of modules are those of
transformers, so that its files of weights and adapters of peft fit. Gemma Team 2025, arXiv 2503.19786.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors import safe_open
from torch import nn
from torch.nn.functional import embedding, gelu, scaled_dot_product_attention

from gnb.models.gemma_batch import Cache, Packing
from gnb.models.gemma_config import GemmaConfig

_EMBEDDINGS = "model.embed_tokens.weight"

_Angles = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True, slots=True)
class Output:
    """Last hidden states, shape (batch, tokens, hidden size)."""

    last_hidden_state: torch.Tensor


class Gemma(nn.Module):
    """A Gemma 3 with its vocabulary as output layer, or with a layer that sorts into categories.

    Args:
        folder: the model, in the layout of transformers, its weights in one file.
        config: its settings.
        dtype: what it computes in; embeddings stay as they are stored, and widen as they are looked up.
        categories: how many the layer has, all zeros, for an adapter to bring its own; 0 for none.

    Raises:
        ValueError: if the file holds weights of another shape.
        SafetensorError: if it lacks a weight or is damaged.
    """

    def __init__(self, folder: Path, config: GemmaConfig, dtype: torch.dtype, categories: int = 0) -> None:
        super().__init__()
        self.config = config
        self.generation_config = self.config  # that of transformers says what ends an answer, and so does this
        self.dtype, self.device = dtype, torch.device("cpu")
        self._file = folder / "model.safetensors"
        with torch.device("meta"):
            self.model = _Body(self.config, dtype)
        with safe_open(self._file, framework="pt") as weights:
            for name, parameter in self.named_parameters():
                # a mapping of the file lasts as long as a tensor of it, so nothing of this one is kept
                _replace(self, name, weights.get_tensor(name).to(dtype, copy=True), parameter.shape)
        self.model.embed_tokens = _Embedding(self._stored(), self.config.hidden_size**0.5, dtype)
        if categories:
            self.score = nn.Linear(self.config.hidden_size, categories, bias=False, dtype=dtype)
            self.score.weight.data.zero_()
        self.requires_grad_(False)

    def get_decoder(self) -> "_Body":
        """Return the model without its output layer."""
        return self.model

    def get_input_embeddings(self) -> "_Embedding":
        """Return the embeddings."""
        return self.model.embed_tokens

    def get_output_embeddings(self) -> "_Rows":
        """Return the rows of the output layer, mapped anew: those that were read leave memory with what is returned."""
        return _Rows(self._stored())

    def _stored(self) -> torch.Tensor:
        with safe_open(self._file, framework="pt") as weights:
            found: torch.Tensor = weights.get_tensor(_EMBEDDINGS)
        return found


@dataclass(frozen=True, slots=True)
class _Rows:
    weight: torch.Tensor


def _replace(model: nn.Module, name: str, value: torch.Tensor, shape: torch.Size) -> None:
    if value.shape != shape:
        raise ValueError(f"the weights of {name} have another shape")
    path, _, last = name.rpartition(".")
    setattr(model.get_submodule(path), last, nn.Parameter(value, requires_grad=False))


class _Embedding:
    """Looks up rows and widens them; no module, so that nothing counts it among what a model computes with."""

    def __init__(self, weight: torch.Tensor, scale: float, dtype: torch.dtype) -> None:
        self.weight = weight
        self._scale = torch.tensor(scale, dtype=dtype)

    def __call__(self, tokens: torch.Tensor) -> torch.Tensor:
        return embedding(tokens, self.weight).to(self._scale.dtype) * self._scale


@dataclass(frozen=True, slots=True)
class _Pass:
    """What a layer needs to know besides the hidden states.

    Attributes:
        angles: those of each token.
        mask: as in `_Body.forward`, for each head.
        cache: as in `_Body.forward`.
        packing: which places hold tokens.
        read: of which of them the layer gives hidden states.
        chosen: where those are among all; None for all of them.
    """

    angles: _Angles
    mask: torch.Tensor | None
    cache: Cache | None
    packing: Packing
    read: Packing
    chosen: torch.Tensor | None = None

    def of_read(self, states: torch.Tensor) -> torch.Tensor:
        """Leave out of the states of all tokens, in the first dimension, those that nobody reads."""
        return states if self.chosen is None else states[self.chosen]


class _Body(nn.Module):
    embed_tokens: _Embedding

    def __init__(self, config: GemmaConfig, dtype: torch.dtype) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_Layer(config, index, dtype) for index in range(len(config.layer_types)))
        self.norm = _Norm(config.hidden_size, config, dtype)
        self._config, self._dtype = config, dtype
        self._groups = config.num_attention_heads // config.num_key_value_heads

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
        cache: Cache | None = None,
        use_cache: bool = False,
        *,
        filled: torch.Tensor | None = None,
        read: torch.Tensor | None = None,
    ) -> Output:
        """Run over tokens.

        Args:
            input_ids: tokens, shape (batch, tokens).
            attention_mask: what is added to the attention scores, shape (batch, 1, tokens, tokens in the cache); None
                for plain causal attention, which takes an empty cache and no padding.
            position_ids: shape (batch, tokens) or (1, tokens); None for 0, 1, ...
            cache: what came before; the new tokens are added.
            use_cache: for callers that run models of transformers as well.
            filled: which places hold tokens, shape (batch, tokens); the others are not computed, their hidden states
                are zeros, and the attention mask must hide them. None for all.
            read: which hidden states the caller reads, shape (batch, tokens), filled places all; the others are zeros,
                since of their tokens the last layer computes keys and values alone. None for all.

        Raises:
            ValueError: if the tokens do not fit into the sliding window.
        """
        filled = torch.ones_like(input_ids, dtype=torch.bool) if filled is None else filled
        packing = Packing(filled)
        hidden = self.embed_tokens(packing.pack(input_ids))
        if position_ids is None:
            position_ids = torch.arange(input_ids.shape[1])[None]
        positions = packing.pack(position_ids.expand_as(input_ids))
        if positions.max() >= self._config.sliding_window:
            raise ValueError("more tokens than the sliding window has")
        if attention_mask is not None:  # the heads that share keys become queries of one head, so that no key is copied
            attention_mask = attention_mask.repeat(1, 1, self._groups, 1)
        angles = {kind: self._angles(kind, positions) for kind in set(self._config.layer_types)}
        *passes, last = (
            _Pass(angles[kind], attention_mask, cache, packing, packing) for kind in self._config.layer_types
        )
        if read is not None:
            last = replace(last, read=Packing(read), chosen=read[filled].nonzero()[:, 0])
        for layer, run in zip(self.layers, (*passes, last), strict=True):
            hidden = layer(hidden, run)
        return Output(last.read.unpack(self.norm(hidden)))

    def _angles(self, kind: str, positions: torch.Tensor) -> _Angles:
        """Return cosine and sine of the rotary embedding (Su et al. 2021, arXiv 2104.09864)."""
        size = self._config.head_dim
        base = self._config.rope_parameters[kind]["rope_theta"]
        frequencies = 1.0 / (base ** (torch.arange(0, size, 2, dtype=torch.float) / size))
        angles = positions[..., None].float() * frequencies
        doubled = torch.cat((angles, angles), dim=-1)[:, None]
        return doubled.cos().to(self._dtype), doubled.sin().to(self._dtype)


class _Layer(nn.Module):
    def __init__(self, config: GemmaConfig, index: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.self_attn = _Attention(config, index, dtype)
        self.mlp = _Mlp(config, dtype)
        self.input_layernorm = _Norm(config.hidden_size, config, dtype)
        self.post_attention_layernorm = _Norm(config.hidden_size, config, dtype)
        self.pre_feedforward_layernorm = _Norm(config.hidden_size, config, dtype)
        self.post_feedforward_layernorm = _Norm(config.hidden_size, config, dtype)

    def forward(self, hidden: torch.Tensor, run: _Pass) -> torch.Tensor:
        attended = self.self_attn(self.input_layernorm(hidden), run)
        hidden = run.of_read(hidden) + self.post_attention_layernorm(attended)
        result: torch.Tensor = hidden + self.post_feedforward_layernorm(
            self.mlp(self.pre_feedforward_layernorm(hidden))
        )
        return result


class _Attention(nn.Module):
    def __init__(self, config: GemmaConfig, index: int, dtype: torch.dtype) -> None:
        super().__init__()
        size, kept = config.hidden_size, config.num_key_value_heads * config.head_dim
        self.q_proj = nn.Linear(size, config.num_attention_heads * config.head_dim, bias=False, dtype=dtype)
        self.k_proj = nn.Linear(size, kept, bias=False, dtype=dtype)
        self.v_proj = nn.Linear(size, kept, bias=False, dtype=dtype)
        self.o_proj = nn.Linear(config.num_attention_heads * config.head_dim, size, bias=False, dtype=dtype)
        self.q_norm, self.k_norm = _Norm(config.head_dim, config, dtype), _Norm(config.head_dim, config, dtype)
        self._index, self._size = index, config.head_dim
        self._scale = config.query_pre_attn_scalar**-0.5
        self._groups = config.num_attention_heads // config.num_key_value_heads

    def forward(self, hidden: torch.Tensor, run: _Pass) -> torch.Tensor:
        # shape (filled places, heads, head size)
        query, keys, values = (
            layer(states).view(len(states), -1, self._size)
            for layer, states in ((self.q_proj, run.of_read(hidden)), (self.k_proj, hidden), (self.v_proj, hidden))
        )
        cosine, sine = run.angles
        query = _rotate(self.q_norm(query), (run.of_read(cosine), run.of_read(sine)))
        query = run.read.unpack(query).transpose(1, 2)
        keys = run.packing.unpack(_rotate(self.k_norm(keys), run.angles)).transpose(1, 2)
        values = run.packing.unpack(values).transpose(1, 2)
        if run.cache is not None:
            found = run.cache.update(self._index, keys, values)
            keys, values = found.keys, found.values
        attended = self._attend(query, keys, values, run.mask).reshape(query.shape).transpose(1, 2)
        result: torch.Tensor = self.o_proj(run.read.pack(attended).flatten(1))
        return result

    def _attend(
        self, query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, mask: torch.Tensor | None
    ) -> torch.Tensor:
        if mask is None:
            return scaled_dot_product_attention(
                query, keys, values, scale=self._scale, is_causal=query.shape[2] > 1, enable_gqa=self._groups > 1
            )
        query = query.reshape(len(query), keys.shape[1], -1, self._size)
        return scaled_dot_product_attention(query, keys, values, attn_mask=mask, scale=self._scale)


def _rotate(states: torch.Tensor, angles: _Angles) -> torch.Tensor:
    cosine, sine = angles
    half = states.shape[-1] // 2
    turned = states * cosine
    turned[..., :half] -= states[..., half:] * sine[..., :half]
    turned[..., half:] += states[..., :half] * sine[..., half:]
    return turned


class _Mlp(nn.Module):
    def __init__(self, config: GemmaConfig, dtype: torch.dtype) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False, dtype=dtype)
        self.up_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False, dtype=dtype)
        self.down_proj = nn.Linear(config.intermediate_size, config.hidden_size, bias=False, dtype=dtype)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        gate = gelu(self.gate_proj(hidden), approximate="tanh")
        result: torch.Tensor = self.down_proj(gate.mul_(self.up_proj(hidden)))
        return result


class _Norm(nn.Module):
    def __init__(self, size: int, config: GemmaConfig, dtype: torch.dtype) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(size, dtype=dtype))
        self._eps = config.rms_norm_eps

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        wide = states.float()
        normed = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + self._eps)
        return normed.mul_(1.0 + self.weight.float()).type_as(states)
