"""Runs a model without its output layer, be it one of transformers or gnb's own."""

from collections.abc import Sequence
from inspect import signature
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel


def hidden_states(
    model: "PreTrainedModel",
    *,
    cache: Any = None,
    filled: "torch.Tensor | None" = None,
    read: "torch.Tensor | None" = None,
    **inputs: Any,
) -> Any:
    """Run a model without its output layer; `last_hidden_state` has shape (batch, tokens, hidden size).

    Args:
        model: a causal language model.
        cache: keys and values of the tokens before, which those of `inputs` are added to.
        filled: which places hold tokens, shape (batch, tokens); a model that can leaves the others out. The attention
            mask must hide them.
        read: which hidden states are read, shape (batch, tokens); a model that can computes no others.
        inputs: what the decoder of any model of transformers takes.
    """
    decoder = model.get_decoder()
    known = signature(decoder.forward).parameters
    if cache is not None:
        # transformers before 5.24, which vLLM asks for, knows it by another name
        inputs["cache" if "cache" in known else "past_key_values"] = cache
    for name, places in (("filled", filled), ("read", read)):
        if places is not None and name in known:
            inputs[name] = places
    return decoder(**inputs)


def new_cache(model: "PreTrainedModel", layers: "Sequence[tuple[torch.Tensor, torch.Tensor]]" = ()) -> Any:
    """Return a cache such as the model takes.

    Args:
        model: a causal language model.
        layers: keys and values that it holds, of each layer: shape (batch, key heads, tokens, head size).
    """
    from gnb.models.gemma import Gemma

    if isinstance(model, Gemma):
        from gnb.models.gemma_batch import Cache

        return Cache(layers)
    from transformers import DynamicCache

    return DynamicCache(layers)
