"""A language model whose last hidden states are sorted into the guideline's categories."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gnb.models.loading import LoadedModel, load_tokenizer, load_weights
from gnb.models.options import ModelOptions
from gnb.models.placing import input_device
from gnb.models.prompt import text_tokens
from gnb.models.running import hidden_states

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

NEUTRAL = "none"
"""The category of texts without bias: always the first."""


def load_classifier(options: ModelOptions, categories: int) -> LoadedModel:
    """Load a base model with a fresh linear layer over its hidden states in the place of its output layer.

    Args:
        options: which model and how.
        categories: how many there are.

    Raises:
        ModelError, MissingDependencyError: as `load_model`, and if transformers knows no such classifier.
    """
    tokenizer = load_tokenizer(options.base_model, options.revision)
    from transformers import AutoModelForSequenceClassification

    return LoadedModel(load_weights(options, AutoModelForSequenceClassification, num_labels=categories), tokenizer)


def encode(tokenizer: "PreTrainedTokenizerBase", text: str) -> list[int]:
    """Return a text's tokens behind the token that begins a text; names of special tokens stay ordinary text."""
    found = text_tokens(tokenizer, text.strip())
    start = tokenizer.bos_token_id
    return found if start is None else [start, *found]


def category_logits(model: "PreTrainedModel", rows: Sequence[Sequence[int]], pad: int) -> "torch.Tensor":
    """Return the logits of each category, shape (rows, categories): those of each text's last token.

    Args:
        model: as `load_classifier` gives it.
        rows: the tokens of each text.
        pad: any token; it fills the rows at their ends, where no token of a text sees it.
    """
    import torch

    device = input_device(model)
    width = max(map(len, rows))
    tokens = torch.tensor([[*row, *[pad] * (width - len(row))] for row in rows], device=device)
    ends = torch.tensor([max(len(row) - 1, 0) for row in rows], device=device)
    is_end = torch.arange(width, device=device) == ends[:, None]
    states = hidden_states(model, input_ids=tokens, use_cache=False, read=is_end).last_hidden_state.to(device)
    last = states[is_end]
    logits: torch.Tensor = model.score(last.to(model.score.weight.dtype)).float()  # it is trained in float32
    return logits
