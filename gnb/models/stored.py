"""A model in float32 that keeps its embeddings as they are stored, in bfloat16: half of a small model's memory.

Every bfloat16 number is a float32 number, so rows that are widened as they are looked up give what a model in float32
throughout gives, bit by bit. Those that no text holds are not even read from the disk.
"""

from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn
from transformers import AutoConfig, PreTrainedModel
from transformers.initialization import no_init_weights

from gnb.models.explaining import LOCAL

_NOT_STORED = {"lm_head.weight"}
"""Weights that no file needs to hold: the output layer is the embeddings."""


class StoredEmbedding(nn.Module):
    """Looks up rows and widens them.

    Its weight is no parameter, so that nothing that turns the model into another number format touches it.

    Args:
        embedding: an embedding of torch, or one of transformers that scales what it finds.
    """

    def __init__(self, embedding: Any) -> None:
        super().__init__()
        self.weight: torch.Tensor = embedding.weight.detach()
        # from the number itself: the embedding's own buffer was rounded when the model was loaded
        self._scale = torch.tensor(float(getattr(embedding, "scalar_embed_scale", 1.0)))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return the embeddings of tokens in float32."""
        return nn.functional.embedding(tokens, self.weight).float() * self._scale


class StoredOutput(nn.Module):
    """An output layer over stored rows. Guided decoding picks the rows that it needs and never runs it.

    Args:
        layer: a linear layer without bias.
    """

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.weight: torch.Tensor = layer.weight.detach()

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return the logits of the whole vocabulary."""
        return nn.functional.linear(hidden, self._wide)

    @cached_property
    def _wide(self) -> torch.Tensor:
        return self.weight.float()


def load_stored(folder: Path, auto_class: Any) -> PreTrainedModel:
    """Load a model whose folder holds one file of bfloat16 weights, to run in float32.

    `from_pretrained` gives the same, but first prepares to rename the weights of all models that were ever renamed.

    Args:
        folder: the model, in the layout of transformers.
        auto_class: the class of transformers that picks the architecture.

    Raises:
        ValueError: if the file's weights are not the model's.
    """
    config = AutoConfig.from_pretrained(folder, **LOCAL)
    with no_init_weights():
        model: PreTrainedModel = auto_class.from_config(config, dtype=torch.bfloat16)
    found = model.load_state_dict(load_file(folder / "model.safetensors"), strict=False, assign=True)
    if wrong := [*found.unexpected_keys, *sorted(set(found.missing_keys) - _NOT_STORED)]:
        raise ValueError(f"{folder} holds the weights of another architecture ({wrong[0]}).")
    model.tie_weights()
    widen_body(model)
    return model


def widen_body(model: PreTrainedModel) -> None:
    """Turn a model that was loaded in bfloat16 into one in float32, but for the rows of its vocabulary; in place."""
    model.set_input_embeddings(StoredEmbedding(model.get_input_embeddings()))
    if (output := model.get_output_embeddings()) is not None:
        model.set_output_embeddings(StoredOutput(output))
    model.float()
    model.config.dtype = torch.float32
