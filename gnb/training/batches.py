"""Batches: which items share a forward pass, in which order, and the tensors they become."""

import math
import random
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

Row = tuple[Any, ...]
"""The items (of whichever task) that share one row of a batch: one, or as many as a pack holds."""
IGNORED = -100
"""The label of tokens that have no loss, as everywhere in transformers."""
_POOL = 32
"""Optimiser steps whose items are sorted by length together: enough to save padding, few enough to stay random."""


def pack(items: Sequence[Any], size: int) -> list[Row]:
    """Fill rows with whole items in their order. No item is cut or dropped; one longer than `size` is a row itself."""
    rows: list[list[Any]] = []
    room = 0
    for item in items:
        if not rows or len(item.tokens) > room:
            rows.append([])
            room = size
        rows[-1].append(item)
        room -= len(item.tokens)
    return [tuple(row) for row in rows]


class Batches:
    """A batch sampler: yields the row numbers of each forward pass, in another order each epoch.

    Rows are dealt out to whole optimiser steps first and these cut into forward passes, so that equal products of
    batch size and accumulation learn the same rows in the same step, whatever the number of processes: each takes its
    share of every step, which may be empty.

    Args:
        rows: the rows.
        batch_size: most rows of a process in a forward pass.
        accumulation: forward passes an optimiser step, for one process.
        group_by_length: put rows of like length into one step, and those of the same group side by side.
        seed: of the order.
        process: the number of the process whose share is yielded.
        processes: how many there are.
    """

    def __init__(
        self,
        rows: Sequence[Row],
        *,
        batch_size: int,
        accumulation: int = 1,
        group_by_length: bool,
        seed: int,
        process: int = 0,
        processes: int = 1,
    ) -> None:
        self.batch_size = batch_size
        self._step_size = batch_size * accumulation
        self._pass_size = batch_size * processes
        self._process, self._processes = process, processes
        self._rows = rows
        self._group_by_length = group_by_length
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order is yielded next. The training loop calls it."""
        self._epoch = epoch

    def __len__(self) -> int:
        """Return the number of forward passes an epoch."""
        steps, rest = divmod(len(self._rows), self._step_size)
        return steps * math.ceil(self._step_size / self._pass_size) + math.ceil(rest / self._pass_size)

    def __iter__(self) -> Iterator[list[int]]:
        chance = random.Random(f"{self._seed} {self._epoch}")  # noqa: S311 - an order, no secret
        for step in self._steps(chance):
            for shared in _cut(step, self._pass_size):
                yield shared[self._process :: self._processes]

    def _steps(self, chance: random.Random) -> list[list[int]]:
        """Return the rows of each optimiser step; the one that is not full comes last."""
        groups: dict[str, list[int]] = {}
        for number, row in enumerate(self._rows):
            groups.setdefault(row[0].group if self._group_by_length else str(number), []).append(number)
        units = list(groups.values())
        chance.shuffle(units)
        if not self._group_by_length:
            return _cut([number for unit in units for number in unit], self._step_size)
        pool = _POOL * self._step_size
        ordered = [unit for part in _cut(units, pool) for unit in sorted(part, key=self._length)]
        steps = _cut([number for unit in ordered for number in unit], self._step_size)
        rest = [steps.pop()] if len(steps[-1]) < self._step_size else []
        chance.shuffle(steps)
        return steps + rest

    def _length(self, unit: Sequence[int]) -> int:
        return max(row_length(self._rows[number]) for number in unit)


def _cut[T](values: list[T], size: int) -> list[list[T]]:
    return [values[start : start + size] for start in range(0, len(values), size)]


def row_length(row: Row) -> int:
    """Return the tokens of a row."""
    return sum(len(item.tokens) for item in row)


def collate(rows: Sequence[Row], pad: int) -> "dict[str, torch.Tensor]":
    """Turn rows into tensors of shape (rows, tokens).

    Each item's positions start at zero, and so do those of the padding at the end of a row. That is how transformers
    is told that items see neither each other nor the padding; it works this out only where no attention mask is given.

    Args:
        rows: the rows of one batch.
        pad: the padding token.

    Returns:
        `input_ids`, `position_ids`, `labels` (`IGNORED` for prompts and padding), `weights` (float, 0 where ignored).
    """
    import torch

    width = max(row_length(row) for row in rows)
    padding = [width - row_length(row) for row in rows]
    ids = [[token for item in row for token in item.tokens] for row in rows]
    positions = [[position for item in row for position in range(len(item.tokens))] for row in rows]
    labels = [[label for item in row for label in _labels(item)] for row in rows]
    weights = [[weight for item in row for weight in (*[0.0] * item.prompt_length, *item.weights)] for row in rows]
    return {
        "input_ids": torch.tensor([row + [pad] * rest for row, rest in zip(ids, padding, strict=True)]),
        "position_ids": torch.tensor([row + list(range(rest)) for row, rest in zip(positions, padding, strict=True)]),
        "labels": torch.tensor([row + [IGNORED] * rest for row, rest in zip(labels, padding, strict=True)]),
        "weights": torch.tensor([row + [0.0] * rest for row, rest in zip(weights, padding, strict=True)]),
    }


def _labels(item: Any) -> list[int]:
    return [IGNORED] * item.prompt_length + list(item.tokens[item.prompt_length :])
