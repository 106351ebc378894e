"""The options that every component running a local language model shares."""

import re
from typing import ClassVar, Literal

from pydantic import field_validator

from gnb.core.options import Options

Dtype = Literal["auto", "float32", "bfloat16", "float16"]
Quantisation = Literal["none", "8bit", "4bit"]
Attention = Literal["auto", "eager", "sdpa", "flash_attention_2"]
_DEVICE = re.compile(r"[0-9]+|cpu|mps|disk")
_SIZE = re.compile(r"[0-9]+(\.[0-9]+)? ?[KMGT]i?B")


class ModelOptions(Options):
    """Which base model to load and how."""

    profile_section: ClassVar[str | None] = "model"

    base_model: str = "embedded"
    """The base model: "embedded", a local folder in the transformers layout, a GGUF file, or a hub id."""
    revision: str | None = None
    """Revision of a hub model; None for the newest when it is first used."""
    dtype: Dtype = "auto"
    """Number format of the weights; auto takes bfloat16 where the processor computes in it, else float32."""
    quantisation: Quantisation = "none"
    """Weights in 8 or 4 bits (NF4, double quantisation) through bitsandbytes (extra `quantised`)."""
    attention: Attention = "auto"
    """How attention is computed; auto leaves it to transformers. flash_attention_2 needs the package flash-attn and a
    GPU, and rewriters then decode plainly."""
    device: str = "auto"
    """Where the model runs: auto (a GPU if there is one), cpu, cuda, cuda:1, ..."""
    device_map: str | None = None
    """Where its parts go, instead of `device`: auto, balanced, sequential (over all GPUs, then the memory of the
    machine, then the disk), or one device. Unset: one device; quantised weights go by auto."""
    max_memory: dict[str, str] | None = None
    """What of each device may be taken, such as {"0": "14GiB", "cpu": "30GiB"}; what does not fit goes to the next one.
    Sets `device_map` to auto if that is unset."""
    context_length: int | Literal["auto"] = "auto"
    """Tokens that prompt and answer may take together, from 64. auto: 2048 with a GPU of 16 GB or more, else 1024, or
    what the model takes if that is less."""

    @field_validator("context_length", mode="plain")
    @classmethod
    def _check_context(cls, value: object) -> object:
        if value == "auto" or (type(value) is int and 64 <= value <= 131072):
            return value
        raise ValueError("write a number of tokens from 64 to 131072, or auto")

    @field_validator("max_memory", mode="plain")
    @classmethod
    def _check_memory(cls, value: object) -> object:
        if value is None or (isinstance(value, dict) and all(map(_is_share, value, value.values()))):
            return value
        raise ValueError(
            'write a size for each device (its number, cpu or disk), such as {"0": "14GiB", "cpu": "30GiB"}'
        )


def _is_share(device: object, size: object) -> bool:
    return bool(_DEVICE.fullmatch(str(device)) and _SIZE.fullmatch(str(size)))
