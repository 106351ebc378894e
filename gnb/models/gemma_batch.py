"""What a batch of texts carries through `gnb.models.gemma`: its keys and values, and which of its places are filled."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch


class Cache:
    """Keys and values of the tokens so far.

    Attributes:
        layers: of each layer, once it has run.
    """

    def __init__(self, layers: Iterable[tuple[torch.Tensor, torch.Tensor]] = ()) -> None:
        self.layers = [_CacheLayer(keys, values) for keys, values in layers]

    def update(self, index: int, keys: torch.Tensor, values: torch.Tensor) -> "_CacheLayer":
        """Add the keys and values of further tokens to a layer, and return it."""
        if index == len(self.layers):
            self.layers.append(_CacheLayer(keys, values))
        else:
            layer = self.layers[index]
            layer.keys, layer.values = torch.cat([layer.keys, keys], -2), torch.cat([layer.values, values], -2)
        return self.layers[index]

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """Keep some rows of the batch only."""
        for layer in self.layers:
            layer.keys, layer.values = layer.keys[indices], layer.values[indices]


@dataclass(slots=True)
class _CacheLayer:
    keys: torch.Tensor
    values: torch.Tensor


class Packing:
    """Tokens of a batch one behind the other: what fills up the shorter rows is not computed.

    Args:
        filled: which places of the batch hold tokens, shape (batch, tokens).
    """

    def __init__(self, filled: torch.Tensor) -> None:
        self._shape = filled.shape
        self._places = None if filled.all() else filled.flatten().nonzero()[:, 0]

    def pack(self, states: torch.Tensor) -> torch.Tensor:
        """Turn shape (batch, tokens, ...) into (filled places, ...)."""
        flat = states.flatten(0, 1)
        return flat if self._places is None else flat[self._places]

    def unpack(self, states: torch.Tensor) -> torch.Tensor:
        """Turn shape (filled places, ...) into (batch, tokens, ...), with zeros in the other places."""
        if self._places is None:
            return states.reshape(*self._shape, *states.shape[1:])
        flat = states.new_zeros(self._shape.numel(), *states.shape[1:])
        return flat.index_copy_(0, self._places, states).view(*self._shape, *states.shape[1:])
