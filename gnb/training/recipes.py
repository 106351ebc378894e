"""The backend `llama-recipes`: Meta's own training loop and packing on our items, as the published study used them.

Both are in the package llama-cookbook, of which llama-recipes has become an alias.
"""

import contextlib
import io
import itertools
import json
import math
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader
from transformers import default_data_collator, set_seed

from gnb.core.errors import InputError, MissingDependencyError, SettingsError
from gnb.training.batches import IGNORED
from gnb.training.callbacks import Progress, Watch
from gnb.training.data import TrainingData
from gnb.training.items import Item
from gnb.training.options import TrainingOptions
from gnb.training.processes import count as process_count
from gnb.training.rows import count, make_rows
from gnb.training.run import (
    Trained,
    adapter_weights,
    attach_adapter,
    load_base,
    make_trainer,
    needs_scaling,
    round_adapter,
)

_FIXED = {"task": "rewrite", "schedule": "step", "change_weight": 1.0, "group_by_length": False, "keep": "last"}
"""What the loop cannot do otherwise."""


@dataclass(frozen=True, slots=True)
class _Loop:
    """What is taken from llama-recipes."""

    train: Any
    configuration: Any
    packs: Any


def train(data: TrainingData, options: TrainingOptions, checkpoints: Path, watch: Watch | None = None) -> Trained:
    """Train an adapter by llama-recipes' loop. It keeps no checkpoints: an interrupted run starts anew.

    Args:
        data: what to learn.
        options: how.
        checkpoints: a folder for what the loop writes.
        watch: is told how far the run is.

    Raises:
        MissingDependencyError: if llama-recipes is not installed.
        SettingsError: if the options ask for what its loop cannot do.
        InputError: if the items do not fill a single batch of packs, or as `make_rows`.
        ModelError: as `load_model`.
    """
    check(options)
    loop = import_loop()
    set_seed(options.seed)
    loaded = load_base(data, options)
    rows = make_rows(data, options, loaded.tokenizer)
    items = rows.encoded["train"].items
    loader = _loader(pack_samples(loop.packs, items, options.packing or 0), options)
    set_seed(options.seed)
    model = attach_adapter(loaded, options)
    parameters = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    history = _run(loop, model, loader, options, folder=checkpoints, watch=watch)
    round_adapter(model)
    judge = make_trainer(model, loaded, rows, options, checkpoints)
    loss = judge.mean_loss(rows.validation) if rows.validation else None
    if loss is not None:
        history.append({"step": history[-1]["step"], "epoch": history[-1]["epoch"], "eval_loss": loss})
    return Trained(
        model,
        adapter_weights(judge, model),
        history,
        {**count(data, rows), **packing_losses(items, options.packing or 0)},
        parameters,
        loaded.model.get_input_embeddings().weight.shape[0],
        loss,
        {},
    )


def import_loop() -> _Loop:
    """Import llama-recipes' loop.

    Raises:
        MissingDependencyError: if it is not installed.
    """
    absent = next((name for name in ("llama_cookbook", "fire") if find_spec(name) is None), None)
    if absent:
        raise MissingDependencyError(
            f"The trainer llama-recipes needs the package {absent.replace('_', '-')}. Install: pip install fire, then: "
            "pip install --no-deps llama-cookbook. (In an environment of its own: pip install 'gnb[llama-recipes]'.)"
        )
    _complete_accelerate()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of torch's modules that it imports
        from llama_cookbook.configs import train_config
        from llama_cookbook.data.concatenator import ConcatDataset
        from llama_cookbook.utils.train_utils import train as train_loop
    return _Loop(train_loop, train_config, ConcatDataset)


def _complete_accelerate() -> None:
    """Give accelerate the name that llama-cookbook 0.0.5 imports from it, and that accelerate 1.15 no longer has.

    The function told whether Intel's oneCCL was there; the loop never asks it where a single process trains. This can
    go with the first llama-cookbook that does without.
    """
    import accelerate.utils

    if not hasattr(accelerate.utils, "is_ccl_available"):
        accelerate.utils.is_ccl_available = lambda: False


def pack_samples(packs: Any, items: Sequence[Item], size: int) -> Any:
    """Return llama-recipes' packs of some items.

    Args:
        packs: its class `ConcatDataset`.
        items: the items, in order.
        size: tokens a pack.
    """
    samples = [
        {
            "input_ids": list(item.tokens),
            "attention_mask": [1] * len(item.tokens),
            "labels": [IGNORED] * item.prompt_length + list(item.tokens[item.prompt_length :]),
        }
        for item in items
    ]
    with contextlib.redirect_stderr(io.StringIO()):  # its progress bar
        return packs(samples, chunk_size=size)


def packing_losses(items: Sequence[Item], size: int) -> dict[str, int]:
    """Return what llama-recipes' packing costs: how many packs there are, what is cut, and what is never seen.

    Args:
        items: the items, in order.
        size: tokens a pack.

    Returns:
        `packs`; `cut_items`, which a border of packs runs through; `dropped_items` and `dropped_tokens`, those of the
        unfilled last pack, where an item counts that is not seen whole; `late_items`, those seen whole but not at the
        beginning of a pack, so that their positions do not start at zero and they see what stands before them.
    """
    total = sum(len(item.tokens) for item in items)
    if not size:
        return {}
    packs = max(0, (total - 1) // size)  # a pack is made when more tokens than it holds are there
    cut = dropped = late = start = 0
    for item in items:
        end = start + len(item.tokens)
        dropped += end > packs * size
        cut += end <= packs * size and start // size != (end - 1) // size
        late += end <= packs * size and start // size == (end - 1) // size and start % size > 0
        start = end
    return {
        "packs": packs,
        "cut_items": cut,
        "late_items": late,
        "dropped_items": dropped,
        "dropped_tokens": total - packs * size,
    }


def check(options: TrainingOptions) -> None:
    """Refuse what the loop cannot do.

    Raises:
        SettingsError: if the options ask for it, or several processes train.
    """
    wrong = [name for name, value in _FIXED.items() if getattr(options, name) != value]
    if not options.packing:
        wrong.append("packing")
    if wrong:
        wanted = {**_FIXED, "packing": "a number of tokens"}
        raise SettingsError(
            f"The trainer llama-recipes needs {', '.join(f'{name} = {wanted[name]}' for name in wrong)}. "
            "Start from --preset paper."
        )
    if process_count() > 1:
        raise SettingsError("The trainer llama-recipes trains in one process here; the trainer gnb in several.")


def _loader(packs: Any, options: TrainingOptions) -> "DataLoader[Any]":
    loader: DataLoader[Any] = DataLoader(
        packs, batch_size=options.batch_size, drop_last=True, collate_fn=default_data_collator
    )
    if not len(loader):
        raise InputError(
            f"llama-recipes' packing makes {len(packs)} packs of {options.packing} tokens from these items, and drops "
            f"the rest: not one batch of {options.batch_size}. Lower packing or batch_size, or bring more texts."
        )
    return loader


def _run(
    loop: _Loop,
    model: PeftModel,
    loader: "DataLoader[Any]",
    options: TrainingOptions,
    *,
    folder: Path,
    watch: Watch | None,
) -> list[dict[str, Any]]:
    """Train, and return the loss and the learning rate of each optimiser step, as transformers' Trainer logs them."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay)
    scheduler = StepLR(optimizer, step_size=1, gamma=options.gamma)
    steps = math.ceil(len(loader) / options.accumulation)
    if watch:
        done = itertools.count(1)
        optimizer.register_step_post_hook(lambda *_: watch(Progress(next(done), steps * options.epochs)))
    arguments = (optimizer, scheduler, options.accumulation, _configuration(loop, options, folder))
    with contextlib.redirect_stdout(sys.stderr):
        result = loop.train(model, loader, None, None, *arguments)  # without validation, which needs the tokenizer
    metrics = json.loads(Path(result["metrics_filename"]).read_text("utf-8"))
    losses = _step_losses(metrics["train_step_loss"], len(loader), options)
    return [
        {
            "step": step,
            "epoch": step / steps,
            "loss": loss,
            "learning_rate": options.learning_rate * options.gamma ** ((step - 1) // steps),
        }
        for step, loss in enumerate(losses, start=1)
    ]


def _step_losses(passes: Sequence[float], each_epoch: int, options: TrainingOptions) -> list[float]:
    """Return the loss of each optimiser step from those of the forward passes, divided by the accumulation already."""
    starts = [
        epoch * each_epoch + start
        for epoch in range(options.epochs)
        for start in range(0, each_epoch, options.accumulation)
    ]
    return [sum(passes[start:end]) for start, end in zip(starts, [*starts[1:], len(passes)], strict=True)]


def _configuration(loop: _Loop, options: TrainingOptions, folder: Path) -> Any:
    return loop.configuration(
        num_epochs=options.epochs,
        gradient_accumulation_steps=options.accumulation,
        gradient_clipping=options.max_grad_norm > 0,
        gradient_clipping_threshold=options.max_grad_norm,
        use_fp16=needs_scaling(options),
        run_validation=False,  # its evaluation runs on GPUs alone; ours tells the same of both trainers
        save_model=False,
        save_metrics=True,
        use_peft=True,
        output_dir=str(folder),
    )
