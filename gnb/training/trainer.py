"""The training loop that every task shares: transformers' Trainer with our batches, schedule and evaluation."""

import time
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader
from transformers import PreTrainedModel, Trainer, get_scheduler
from transformers.trainer_utils import speed_metrics

from gnb.training.batches import Batches, Row, row_length
from gnb.training.options import TrainingOptions

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
    def summed_loss(self, model: PreTrainedModel, inputs: Batch) -> tuple[torch.Tensor, int]:
        """Return a batch's summed loss, in nats, and over how many labels it was summed."""

    def get_train_dataloader(self) -> Any:
        """Return the training batches."""
        batches = Batches(
            self.train_dataset,
            batch_size=self.settings.batch_size,
            accumulation=self.settings.accumulation,
            group_by_length=self.settings.group_by_length,
            seed=self.settings.seed,
        )
        loader = DataLoader(self.train_dataset, batch_sampler=batches, collate_fn=self.collate)
        return self.accelerator.prepare(loader)

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

    def training_step(
        self, model: PreTrainedModel, inputs: Batch, num_items_in_batch: torch.Tensor | int | None = None
    ) -> torch.Tensor:
        """Return the loss of a batch after its backward pass; one of many tokens goes through in parts of fewer."""
        parts = split_batch(inputs, self.settings.forward_tokens)
        losses = [super(AdapterTrainer, self).training_step(model, part, num_items_in_batch) for part in parts]
        return torch.stack(losses).sum()

    def compute_loss(
        self,
        model: PreTrainedModel,
        inputs: Batch,
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> torch.Tensor:
        """Return the mean loss over the labels of the whole optimiser step."""
        total, labels = self.summed_loss(model, inputs)
        return total / (labels if num_items_in_batch is None else num_items_in_batch)

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
        """Return the mean loss over some rows."""
        size = self.settings.batch_size
        was_training = self.model.training
        self.model.eval()
        total, labels = 0.0, 0
        with torch.inference_mode():
            for start in range(0, len(rows), size):
                batch = self._prepare_inputs(self.collate(rows[start : start + size]))
                loss, count = self.summed_loss(self.model, batch)
                total, labels = total + float(loss), labels + count
        self.model.train(was_training)
        return total / max(1, labels)


def split_batch(batch: Batch, most: int) -> list[Batch]:
    """Cut a batch into parts of at most that many tokens, padding included, but of one row at least."""
    rows, width = batch["input_ids"].shape
    size = max(1, most // width)
    return [{name: values[start : start + size] for name, values in batch.items()} for start in range(0, rows, size)]
