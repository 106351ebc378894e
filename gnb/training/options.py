"""What a training run can be told, and the presets."""

import tomllib
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from gnb.core.errors import UnknownNameError
from gnb.models.adapters import resolve_adapter
from gnb.models.options import ModelOptions
from gnb.models.prompt import PUBLISHED

DEFAULT_PRESET = "default"


class TrainingOptions(ModelOptions):
    """All settings of a training run. The defaults are those of the preset `default`."""

    task: Literal["rewrite", "detect"] = "rewrite"
    """What is learnt: to rewrite texts, or to tell whether they are biased and in which category."""
    trainer: Literal["gnb", "llama-recipes"] = "gnb"
    """Whose training loop runs: ours, or Meta's llama-recipes with its own packing (see docs/training.md)."""
    prompt: str = PUBLISHED
    """The prompt template; `{text}` stands for the text, and the answer follows the template's end."""
    epochs: int = Field(3, ge=1, le=100)
    """Passes over the training items."""
    learning_rate: float = Field(4e-4, gt=0, le=1)
    """Highest step size of AdamW."""
    schedule: Literal["step", "linear", "cosine", "constant"] = "cosine"
    """How the learning rate changes: `step` multiplies it by `gamma` after each epoch, others fall to zero or stay."""
    gamma: float = Field(0.85, gt=0, le=1)
    """Factor of the schedule `step`."""
    warmup: float = Field(0.05, ge=0, lt=1)
    """Share of all steps in which the learning rate rises from zero (schedules `linear`, `cosine`, `constant`)."""
    weight_decay: float = Field(0.0, ge=0, le=1)
    """Weight decay of AdamW."""
    max_grad_norm: float = Field(1.0, ge=0)
    """Longer gradients are cut down to this norm before a step; 0 for never."""
    batch_size: int = Field(8, ge=1, le=4096)
    """Rows a batch: items, or packs of items where `packing` is set."""
    forward_tokens: int = Field(1024, ge=1)
    """Tokens, padding included, that one forward pass holds at most; a larger batch goes through in parts."""
    accumulation: int = Field(1, ge=1, le=4096)
    """Batches an optimiser step."""
    gradient_checkpointing: bool = False
    """Compute activations anew in the backward pass: a third slower, in a fraction of the memory."""
    packing: int | None = Field(None, ge=64, le=131072)
    """Tokens a pack of items may hold; None for one item a row. No item sees another one of its pack."""
    group_by_length: bool = True
    """Whether items of like length share a batch, which saves padding; contrast pairs stay side by side."""
    references: Literal["first", "all"] = "first"
    """Whether a text is learnt with its first, preferred reference or once with each."""
    unbiased_share: float = Field(1.0, ge=0, le=1)
    """Share of the unbiased training texts that is learnt, drawn at random; a detector lets few of them through."""
    change_weight: float = Field(2.0, ge=1, le=100)
    """Weight in the loss of the answer's tokens that differ from the text; 1 treats all tokens alike."""
    start_from: str | None = None
    """Adapter to go on from, "embedded" for the one that ships for the task, or a folder: its rank, scale and layers
    hold; unset for a fresh one."""
    rank: int = Field(16, ge=1, le=1024)
    """Rank r of the LoRA matrices."""
    alpha: int = Field(32, ge=1, le=4096)
    """Scale of LoRA: its output is multiplied by alpha / rank."""
    dropout: Annotated[float, Field(ge=0, lt=1)] | Literal["library"] = 0.0
    """Dropout before the LoRA matrices, 0 to below 1; `library` for whatever peft does when it is not told."""
    target_modules: str = "all-linear"
    """Layers that get an adapter: `all-linear`, or names with commas such as `q_proj,v_proj`."""
    output_layer: Literal["task", "full"] = "task"
    """Whether the loss sees only the tokens that Persian answers can need, or all, which is several times slower."""
    evaluations: int = Field(2, ge=1, le=1000)
    """Evaluations on the validation items an epoch."""
    patience: int = Field(3, ge=1, le=1000)
    """Evaluations without a better validation loss after which training stops."""
    keep: Literal["last", "best"] = "last"
    """Whether the last weights are kept or those with the lowest validation loss."""
    seed: int = Field(0, ge=0, lt=2**32)
    """Seed of initialisation, order and dropout."""
    split_seed: int = Field(0, ge=0)
    """Seed of the split into training, validation and test items; compare on the same one."""

    @field_validator("device")
    @classmethod
    def _check_device(cls, value: str) -> str:
        if value.startswith("cuda:") and value != "cuda:0":  # transformers would move the model back
            raise ValueError(
                "a process trains on the first GPU that it sees: write cuda, and choose one by the environment "
                "variable CUDA_VISIBLE_DEVICES"
            )
        return value

    def start_folder(self) -> Path | None:
        """Return the folder of the adapter to go on from; None for a fresh one.

        Raises:
            ModelError: if there is no adapter there.
        """
        if self.start_from is None:
            return None
        return resolve_adapter(self.start_from, "detector" if self.task == "detect" else "adapter")


def preset_values(name: str) -> dict[str, Any]:
    """Return the option values of a preset.

    Raises:
        UnknownNameError: if there is no such preset.
    """
    presets: dict[str, dict[str, Any]] = tomllib.loads(
        resources.files("gnb.training").joinpath("presets.toml").read_text("utf-8")
    )
    if name not in presets:
        raise UnknownNameError("training preset", name, presets)
    return presets[name]
