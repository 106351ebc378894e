"""The options of the rewriters that run a local language model."""

from typing import Literal

from pydantic import Field

from gnb.models.options import ModelOptions
from gnb.prompting.options import PromptOptions

Template = Literal["plain", "chat", "auto"]


class LocalOptions(ModelOptions, PromptOptions):
    """How a local language model is prompted and decoded. The examples (shots) are for chat templates alone."""

    template: Template = "plain"
    """plain asks with the prompt as it is; chat by the tokenizer's chat template, for instruction-tuned models; auto by
    that if there is one and no adapter, which was trained with a prompt of its own."""
    prompt: str | None = None  # type: ignore[assignment]
    """plain: the prompt, `{text}` stands for the text; unset, the adapter's own, else the published one. chat: the
    system prompt, by name or as a file (.md or .txt), asking for the neutral form alone; unset, guide-text-1."""
    engine: Literal["transformers", "vllm"] = "transformers"
    """What runs the model. vllm (extra `vllm`) needs a GPU; it decodes plainly, with speculation of its own."""
    speculative_tokens: int = Field(8, ge=0, le=64)
    """Tokens that vLLM drafts at a time from what it has read; 0 for none (vllm only)."""
    decoding: Literal["guided", "plain"] = "guided"
    """guided verifies the input as a draft of the answer; plain is transformers' `generate`, slower."""
    output_layer: Literal["task", "full"] = "task"
    """task: only tokens that a Persian answer or the input can hold; full: the whole vocabulary (guided only)."""
    copy_bonus: float = Field(0.0, ge=-20, le=20)
    """Added to the logit of each token drafted from the input, in nats: higher changes less (guided only)."""
    threshold: float | None = Field(None, ge=0, le=1)
    """Probability of bias from which a text is changed; a text that has none stays as it is (plain decoding without a
    detector). Unset: 0.55 with a detector, else greedy decoding."""
    edit_threshold: float = Field(0.0, ge=0, le=1)
    """Edits whose words have a lower probability are left out, but for the surest one of a line: fewer edits, more of
    them right, and more of the bias left (guided only). 0 keeps all."""
    batch_tokens: int = Field(2048, ge=1)
    """Tokens of prompt and draft that one batch holds; a batch holds one text at least."""
    window: int = Field(256, ge=1)
    """Texts read ahead and sorted by length before they are batched."""
    length_factor: float = Field(1.6, gt=0, le=10)
    """An answer may be this many times as long as its text, in tokens, ..."""
    length_margin: int = Field(8, ge=0)
    """... plus this many tokens."""


class LoraOptions(LocalOptions):
    """As `LocalOptions`, with an adapter."""

    adapter: str = "embedded"
    """The adapter: "embedded" for the one that ships, or a folder that `gnb train` wrote."""
    detector: str = "none"
    """The detector that decides which texts are changed: a folder of `gnb train --task detect`, "none", or "embedded",
    the one that ships, which the profile `embedded` uses."""
    alternatives: int = Field(3, ge=0, le=16)
    """Where a detector decides and the adapter is unsure of its answer: how many more it tries, each with another
    second choice, to take one that is clearly more probable (guided only, without bonuses). 0 takes the first."""
    lexicon_bonus: float = Field(0.0, ge=0, le=10)
    """Weight of the adapter's lexicon: how much an edit gains that its training texts show, by how often (guided)."""
