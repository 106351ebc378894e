"""Options of collecting tweets."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from gnb.core.options import Options
from gnb.sources.twitter.selectors import HOME


class BrowserOptions(Options):
    """Which browser is driven, and how."""

    browser: Literal["auto", "chrome", "firefox"] = "auto"
    """chrome for Chromium and Chrome, firefox, or auto for the first of them that is installed with its driver."""
    headless: bool = True
    """Run without a window. Pictures are not loaded then."""


class PaceOptions(Options):
    """How fast the pages are read, and when reading ends."""

    limit: int | None = Field(default=None, ge=1)
    """Tweets kept of each search, those of earlier runs included. Without it, all there are."""
    minutes: float | None = Field(default=None, gt=0)
    """Time for all searches together."""
    delay: float = Field(default=2.0, ge=0)
    """Mean pause after each scroll in seconds; each pause is drawn between half of it and one and a half."""
    patience: int = Field(default=5, ge=1)
    """Scrolls without news after which a search has ended."""
    settle: float = Field(default=0.7, ge=0)
    """Seconds in which news may appear after a scroll before it counts as one without."""
    timeout: float = Field(default=45.0, gt=0)
    """Seconds to wait for a page that is loading."""


class CollectOptions(PaceOptions):
    """How tweets are collected and what is kept of them."""

    path: Path
    """The JSON Lines file that tweets are appended to."""
    url: str = Field(default=HOME, pattern=r"^https?://[^/?#\s]+$")
    """Address of the site."""
    raw_handles: bool = False
    """Keep the names of authors and of the mentioned beside their hashes."""
