"""What a batch of texts carries through `gnb.models.gemma`: its keys and values, and which of its places are filled."""

from collections.abc import Iterable

import torch

_ROOM = 48
"""Tokens that further steps may add before keys and values are copied: about four drafts."""


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
            self.layers[index].add(keys, values)
        return self.layers[index]

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """Keep some rows of the batch only."""
        for layer in self.layers:
            layer.select(indices)


class _CacheLayer:
    """Keys and values, each of shape (batch, heads, tokens, head size): the beginning of memory with room for more."""

    def __init__(self, keys: torch.Tensor, values: torch.Tensor) -> None:
        self._held, self._length = (keys, values), keys.shape[2]

    @property
    def keys(self) -> torch.Tensor:
        return self._held[0][:, :, : self._length]

    @property
    def values(self) -> torch.Tensor:
        return self._held[1][:, :, : self._length]

    def add(self, keys: torch.Tensor, values: torch.Tensor) -> None:
        total = self._length + keys.shape[2]
        if total > self._held[0].shape[2]:
            self._held = (_roomy(self.keys, total + _ROOM), _roomy(self.values, total + _ROOM))
        for held, further in zip(self._held, (keys, values), strict=True):
            held[:, :, self._length : total] = further
        self._length = total

    def select(self, indices: torch.Tensor) -> None:
        keys, values = self._held
        self._held = keys[indices], values[indices]


def _roomy(states: torch.Tensor, tokens: int) -> torch.Tensor:
    found = states.new_empty(*states.shape[:2], tokens, states.shape[3])
    found[:, :, : states.shape[2]] = states
    return found


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
