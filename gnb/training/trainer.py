"""The training loop that every task shares: transformers' Trainer with our batches, schedule and evaluation."""

import time
from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from accelerate.data_loader import prepare_data_loader
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader
from transformers import PreTrainedModel, Trainer, get_scheduler
from transformers.trainer_utils import speed_metrics

from gnb.training.batches import IGNORED, Batches, Row, row_length
from gnb.training.options import TrainingOptions
from gnb.training.redirect import inside_forward

Batch = dict[str, torch.Tensor]


class AdapterTrainer(Trainer):
    """Trains an adapter on rows of items. A task says how rows become tensors and what their loss is.

    Args:
        settings: the training options.
        pad: the padding token.
        rows: the rows to learn.
        validation: the rows to evaluate on; may be empty.
    """

    # compute_loss divides by what the whole optimiser step counts
    loss_is_scaled_for_ga = True
    control: Any

    def __init__(
        self, *, settings: TrainingOptions, pad: int, rows: Sequence[Row], validation: Sequence[Row], **arguments: Any
    ) -> None:
        super().__init__(train_dataset=rows, eval_dataset=validation or None, **arguments)
        # makes the base class count the labels of an optimiser step, whatever the model's forward takes
        self.model_accepts_loss_kwargs = True
        self.settings = settings
        self.pad = pad

    @abstractmethod
    def collate(self, rows: Sequence[Row]) -> Batch:
        """Turn rows into tensors; `labels` holds what the loss is averaged over."""

    @abstractmethod
    def summed_loss(self, base: PreTrainedModel, inputs: Batch) -> tuple[torch.Tensor, int]:
        """Return a batch's summed loss, in nats, and over how many labels it was summed; the others are `IGNORED`.

        Args:
            base: the base model, with the adapter's matrices in it.
            inputs: the batch.
        """

    def within(self, model: PreTrainedModel, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function with the base model and further arguments, where DDP and FSDP can see what it does."""
        inner = self.accelerator.unwrap_model(model)
        with self.accelerator.autocast():
            return inside_forward(model, inner, partial(function, inner.get_base_model()), *arguments)

    def get_train_dataloader(self) -> Any:
        """Return the training batches."""
        batches = Batches(
            self.train_dataset,
            batch_size=self.settings.batch_size,
            accumulation=self.settings.accumulation,
            group_by_length=self.settings.group_by_length,
            seed=self.settings.seed,
            process=self.accelerator.process_index,
            processes=self.accelerator.num_processes,
        )
        loader = DataLoader(self.train_dataset, batch_sampler=batches, collate_fn=self._collate_share)
        # not `accelerator.prepare`: the batches are shared out already
        return prepare_data_loader(
            loader, self.accelerator.device, num_processes=1, process_index=0, put_on_device=True
        )

    def _collate_share(self, rows: Sequence[Row]) -> Batch:
        """Collate this process's share of a batch; without any, it takes part with a row that counts for nothing."""
        return self.collate(rows) if rows else blank(self.collate(self.train_dataset[:1]))

    def create_scheduler(self, num_training_steps: int, optimizer: torch.optim.Optimizer | None = None) -> Any:
        """Return the learning-rate schedule that the options ask for."""
        optimizer = optimizer or self.optimizer
        if self.settings.schedule == "step":
            steps = num_training_steps // self.settings.epochs
            self.lr_scheduler = LambdaLR(optimizer, lambda step: self.settings.gamma ** (step // max(1, steps)))
        else:
            name = {"constant": "constant_with_warmup"}.get(self.settings.schedule, self.settings.schedule)
            warmup = round(self.settings.warmup * num_training_steps)
            self.lr_scheduler = get_scheduler(name, optimizer, warmup, num_training_steps)
        return self.lr_scheduler

    def _run_epoch(self, **arguments: Any) -> None:
        """Train for an epoch, unless training is to stop before it begins: the base class would make a step first."""
        if not self.control.should_training_stop:
            super()._run_epoch(**arguments)

    def training_step(
        self, model: PreTrainedModel, inputs: Batch, num_items_in_batch: torch.Tensor | int | None = None
    ) -> torch.Tensor:
        """Return the loss of a batch after its backward pass; one of many tokens goes through in parts of fewer."""
        step = super().training_step
        return torch.stack([step(model, part, num_items_in_batch) for part in self._parts(inputs)]).sum()

    def _parts(self, batch: Batch) -> list[Batch]:
        """Cut a batch into what a forward pass holds; all processes go through the same number of parts."""
        parts = split_batch(batch, self.settings.forward_tokens)
        counts = self.accelerator.gather(torch.tensor([len(parts)], device=self.accelerator.device))
        return parts + [blank(parts[0])] * (int(counts.max()) - len(parts))

    def compute_loss(
        self,
        model: PreTrainedModel,
        inputs: Batch,
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> torch.Tensor:
        """Return the mean loss over the labels of the whole optimiser step."""
        total, labels = self.within(model, self.summed_loss, inputs)
        # the gradients are averaged over the processes, each of which has but its share of the labels
        shares = self.accelerator.num_processes
        loss: torch.Tensor = shares * total / (labels if num_items_in_batch is None else num_items_in_batch)
        return loss

    def evaluate(
        self, eval_dataset: Any = None, ignore_keys: list[str] | None = None, metric_key_prefix: str = "eval"
    ) -> dict[str, float]:
        """Return the mean loss over all validation rows, whatever their batches; it is logged as well."""
        rows = sorted(self.eval_dataset if eval_dataset is None else eval_dataset, key=row_length)
        start = time.time()
        loss = self.mean_loss(rows)
        metrics = {f"{metric_key_prefix}_loss": loss, **speed_metrics(metric_key_prefix, start, len(rows))}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def mean_loss(self, rows: Sequence[Row]) -> float:
        """Return the mean loss over some rows, which the processes share."""
        size, shares = self.settings.batch_size, self.accelerator.num_processes
        batches = [rows[start : start + size] for start in range(0, len(rows), size)]
        was_training = self.model.training
        self.model.eval()
        total, labels = 0.0, 0
        with torch.no_grad():
            for start in range(0, len(batches), shares):
                share = batches[start:][self.accelerator.process_index : shares]
                batch = self._prepare_inputs(self._collate_share(share[0] if share else ()))
                for part in self._parts(batch):
                    loss, count = self.within(self.model_wrapped, self.summed_loss, part)
                    total, labels = total + float(loss), labels + count
        self.model.train(was_training)
        sums = torch.tensor([total, labels], dtype=torch.float64, device=self.accelerator.device)
        total, labels = self.accelerator.reduce(sums).tolist()
        return float(total / max(1, labels))


def blank(batch: Batch) -> Batch:
    """Return a batch that counts for nothing in the loss."""
    return {**batch, "labels": torch.full_like(batch["labels"], IGNORED)}


def split_batch(batch: Batch, most: int) -> list[Batch]:
    """Cut a batch into parts of at most that many tokens, padding included, but of one row at least."""
    rows, width = batch["input_ids"].shape
    size = max(1, most // width)
    return [{name: values[start : start + size] for name, values in batch.items()} for start in range(0, rows, size)]
