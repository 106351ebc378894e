"""Runs a function where DDP and FSDP expect the work: inside the forward pass of the module that they wrap."""

from collections.abc import Callable
from typing import Any

from torch import nn


def inside_forward(wrapper: nn.Module, inner: nn.Module, function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function inside the forward pass of a wrapped module, as Lightning's `_ForwardRedirection` does.

    DDP collects gradients, and FSDP gathers the shards of the weights, only for what happens there.

    Args:
        wrapper: the module as DDP or FSDP has wrapped it; it may be `inner` itself.
        inner: the module within.
        function: what is to be called.
        arguments: what it is called with.
    """
    original = inner.forward

    def forward(*values: Any) -> Any:
        inner.forward = original
        return function(*values)

    inner.forward = forward
    try:
        return wrapper(*arguments)
    finally:
        inner.forward = original
