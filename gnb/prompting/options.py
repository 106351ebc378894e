"""The options that every prompted chat model shares."""

from typing import Literal

from pydantic import Field

from gnb.core.options import Options

ShotsKind = Literal["zero", "category", "similar"]


class PromptOptions(Options):
    """What a chat model is told before it sees the text."""

    prompt: str = "guide-1"
    """The system prompt: the name of one that ships, or a file of your own (.md or .txt)."""
    shots: ShotsKind = "category"
    """Examples shown: zero; category, the same ones for every text, so many of each category and as many unbiased
    ones; or similar, those most like the text."""
    shot_count: int | None = Field(None, ge=1, le=50)
    """Examples of each category, or similar ones. Unset: 1 of each category, 8 similar ones."""
    shot_source: str = "bundled"
    """Where the examples come from, NAME or NAME:ARGUMENT: the training split of that source, texts with references."""
