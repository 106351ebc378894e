"""The training loop: transformers' Trainer with our batches, our loss and our evaluation."""

import time
from collections.abc import Sequence
from functools import partial
from typing import Any, cast

import torch
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader
from transformers import PreTrainedModel, Trainer, get_scheduler
from transformers.trainer_utils import speed_metrics

from gnb.models.vocabulary import OutputLayer, hidden_states
from gnb.training.batches import IGNORED, Batches, Row, collate, row_length
from gnb.training.options import TrainingOptions

Batch = dict[str, torch.Tensor]


class AdapterTrainer(Trainer):
    """Trains an adapter on rows of items.

    The body of the model runs over whole rows, its output layer over the answers' positions alone.

    Args:
        output: the output layer to take the loss over.
        settings: the training options.
        pad: the padding token.
        instruction_length: how many tokens all rows begin with, which are then computed once a batch; 0 for packs.
        rows: the rows to learn.
        validation: the rows to evaluate on; may be empty.
    """

    # compute_loss divides by the answer tokens of the whole optimiser step
    loss_is_scaled_for_ga = True
    control: Any

    def __init__(
        self,
        *,
        output: OutputLayer,
        settings: TrainingOptions,
        pad: int,
        instruction_length: int,
        rows: Sequence[Row],
        validation: Sequence[Row],
        **arguments: Any,
    ) -> None:
        super().__init__(train_dataset=rows, eval_dataset=validation or None, **arguments)
        # makes the base class count the answer tokens of an optimiser step, whatever the model's forward takes
        self.model_accepts_loss_kwargs = True
        self.output = output
        self.settings = settings
        self.pad = pad
        self.instruction_length = instruction_length

    def get_train_dataloader(self) -> Any:
        """Return the training batches."""
        batches = Batches(
            self.train_dataset,
            batch_size=self.settings.batch_size,
            accumulation=self.settings.accumulation,
            group_by_length=self.settings.group_by_length,
            seed=self.settings.seed,
        )
        loader = DataLoader(self.train_dataset, batch_sampler=batches, collate_fn=partial(collate, pad=self.pad))
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

    def compute_loss(
        self,
        model: PreTrainedModel,
        inputs: Batch,
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> torch.Tensor:
        """Return the weighted cross entropy a token, over the answer tokens of the whole optimiser step."""
        total, tokens = self.summed_loss(model, inputs)
        return total / (tokens if num_items_in_batch is None else num_items_in_batch)

    def summed_loss(self, model: PreTrainedModel, inputs: Batch) -> tuple[torch.Tensor, int]:
        """Return the summed, weighted cross entropy of a batch, in nats, and its number of answer tokens."""
        base = self.accelerator.unwrap_model(model).get_base_model()
        states = self._states(base, inputs["input_ids"], inputs["position_ids"])
        # the state at a token foretells the next one
        labels, weights = inputs["labels"][:, -states.shape[1] + 1 :], inputs["weights"][:, -states.shape[1] + 1 :]
        answer = labels != IGNORED
        logits = self.output.logits(states[:, :-1][answer])
        targets = self.output.positions(labels[answer])
        losses = torch.nn.functional.cross_entropy(logits.float(), targets, reduction="none")
        return (losses * weights[answer]).sum(), int(answer.sum())

    def _states(self, base: PreTrainedModel, tokens: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        """Return the last hidden states, without those of the instruction where it is computed once for all rows."""
        start = self.instruction_length
        if not start:
            found = hidden_states(base, input_ids=tokens, position_ids=positions, use_cache=False)
            return cast(torch.Tensor, found.last_hidden_state)
        cache = hidden_states(base, input_ids=tokens[:1, :start], use_cache=True).past_key_values
        cache.batch_repeat_interleave(len(tokens))
        # without a mask: the padding comes last, where no answer sees it
        found = hidden_states(
            base, input_ids=tokens[:, start:], position_ids=positions[:, start:], past_key_values=cache, use_cache=True
        )
        return cast(torch.Tensor, found.last_hidden_state)

    def evaluate(
        self, eval_dataset: Any = None, ignore_keys: list[str] | None = None, metric_key_prefix: str = "eval"
    ) -> dict[str, float]:
        """Return the loss a token over all validation rows, whatever their batches; it is logged as well."""
        rows = sorted(self.eval_dataset if eval_dataset is None else eval_dataset, key=row_length)
        start = time.time()
        loss = self.mean_loss(rows)
        metrics = {f"{metric_key_prefix}_loss": loss, **speed_metrics(metric_key_prefix, start, len(rows))}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def mean_loss(self, rows: Sequence[Row]) -> float:
        """Return the weighted loss a token over some rows."""
        size = self.settings.batch_size
        was_training = self.model.training
        self.model.eval()
        total, tokens = 0.0, 0
        with torch.inference_mode():
            for start in range(0, len(rows), size):
                batch = self._prepare_inputs(collate(rows[start : start + size], self.pad))
                loss, count = self.summed_loss(self.model, batch)
                total, tokens = total + float(loss), tokens + count
        self.model.train(was_training)
        return total / max(1, tokens)
