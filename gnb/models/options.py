"""The options that every component running a local language model shares."""

from typing import ClassVar, Literal

from pydantic import Field

from gnb.core.options import Options

Dtype = Literal["auto", "float32", "bfloat16", "float16"]
Quantisation = Literal["none", "8bit", "4bit"]


class ModelOptions(Options):
    """Which base model to load and how."""

    profile_section: ClassVar[str | None] = "model"

    base_model: str = "embedded"
    """The base model: "embedded", a local folder in the transformers layout, or a hub id."""
    revision: str | None = None
    """Revision of a hub model; None for its newest."""
    dtype: Dtype = "auto"
    """Number format of the weights; auto takes bfloat16 where the processor computes in it, else float32."""
    quantisation: Quantisation = "none"
    """Weights in 8 or 4 bits through bitsandbytes (extra `quantised`)."""
    device: str = "auto"
    """Where the model runs: auto (a GPU if there is one), cpu, cuda, cuda:1, ..."""
    context_length: int = Field(1024, ge=64, le=131072)
    """Tokens that prompt and answer may take together, from 64."""
