"""A language model whose last hidden states are sorted into the guideline's categories."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gnb.models.loading import (
    SAFE,
    LoadedModel,
    explained,
    load_tokenizer,
    origin,
    pick_device,
    pick_dtype,
    resolve_model,
)
from gnb.models.options import ModelOptions
from gnb.models.prompt import text_tokens

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
        ModelError: if it cannot be loaded, or transformers knows no classifier of its architecture.
    """
    tokenizer = load_tokenizer(options.base_model, options.revision)
    from transformers import AutoModelForSequenceClassification

    with explained(options.base_model):
        model = AutoModelForSequenceClassification.from_pretrained(
            resolve_model(options.base_model),
            **origin(options.base_model, options.revision),
            dtype=pick_dtype(options.dtype),
            num_labels=categories,
            **SAFE,
        )
    return LoadedModel(model.to(pick_device(options.device)).eval(), tokenizer)


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

    width = max(map(len, rows))
    tokens = torch.tensor([[*row, *[pad] * (width - len(row))] for row in rows], device=model.device)
    states = model.get_decoder()(input_ids=tokens, use_cache=False).last_hidden_state
    ends = torch.tensor([len(row) - 1 for row in rows], device=model.device)
    logits: torch.Tensor = model.score(states[torch.arange(len(rows), device=model.device), ends]).float()
    return logits
