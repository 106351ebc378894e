"""Learning to rewrite: the loss of the answers' tokens."""

from collections.abc import Sequence
from typing import Any, cast

import torch
from transformers import PreTrainedModel

from gnb.models.running import hidden_states
from gnb.models.vocabulary import OutputLayer
from gnb.training.batches import IGNORED, Row, collate
from gnb.training.trainer import AdapterTrainer, Batch


class RewriteTrainer(AdapterTrainer):
    """Trains a causal language model to answer a prompt.

    The body of the model runs over whole rows, its output layer over the answers' positions alone.

    Args:
        output: the output layer to take the loss over.
        instruction_length: how many tokens all rows begin with, which are then computed once a batch; 0 for packs.
    """

    def __init__(self, *, output: OutputLayer, instruction_length: int, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.output = output
        self.instruction_length = instruction_length

    def collate(self, rows: Sequence[Row]) -> Batch:
        """Return `input_ids`, `position_ids`, `labels` and `weights`."""
        return collate(rows, self.pad)

    def summed_loss(self, base: PreTrainedModel, inputs: Batch) -> tuple[torch.Tensor, int]:
        """Return the summed, weighted cross entropy of a batch, in nats, and its number of answer tokens."""
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
            base, input_ids=tokens[:, start:], position_ids=positions[:, start:], cache=cache, use_cache=True
        )
        return cast(torch.Tensor, found.last_hidden_state)
