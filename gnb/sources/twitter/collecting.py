"""Collecting: one search after the other, each tweet kept as soon as it is seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gnb.core.errors import GnbError, InputError
from gnb.core.progress import Track
from gnb.sources.twitter.browser import browser_errors, first_line
from gnb.sources.twitter.faults import BrowserGoneError, EmptyResultError, PageError
from gnb.sources.twitter.options import CollectOptions
from gnb.sources.twitter.private import HandleHash, write_private
from gnb.sources.twitter.query import Search
from gnb.sources.twitter.records import TweetFile
from gnb.sources.twitter.timeline import Clock, Timeline
from gnb.sources.twitter.tweet import tweet_record

if TYPE_CHECKING:
    from selenium.webdriver.remote.webdriver import WebDriver


@dataclass(slots=True)
class Outcome:
    """What became of one search.

    Attributes:
        query: what was searched for.
        kept: tweets that the file holds of it, those of earlier runs included.
        new: tweets of this run among them.
        end: why it ended: "limit", "time", "end" of the timeline, or the name of a fault.
        fault: what the page showed instead of tweets.
        screenshot: a picture of that.
    """

    query: str
    kept: int
    new: int = 0
    end: str = ""
    fault: PageError | None = None
    screenshot: Path | None = None


def collect(browser: WebDriver, searches: Sequence[Search], options: CollectOptions, track: Track) -> Iterator[Outcome]:
    """Collect the tweets of searches and yield what became of each; a fault that all would meet ends it.

    Each tweet is on the disk before the next one is read, so that nothing is lost however it ends.

    Raises:
        InputError, GnbError: if the file cannot be used.
    """
    hide = HandleHash()
    clock = Clock(options)
    with TweetFile(options.path) as file:
        for place, search in enumerate(searches, start=1):
            run = _Run(browser, search, options, file, clock, hide)
            outcome = run.collect(track)
            if outcome.fault:
                outcome.screenshot = _screenshot(browser, options.path, f"{place}-{outcome.end}")
            yield outcome
            if outcome.fault and outcome.fault.final:
                return


def check_target(path: Path) -> None:
    """Refuse a file that cannot be appended to, before a browser is started.

    Raises:
        InputError, GnbError: as `TweetFile`, and if there is no such folder.
    """
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}.")
    if path.exists():
        TweetFile(path).close()


@dataclass(slots=True)
class _Run:
    """One search being collected."""

    browser: WebDriver
    search: Search
    options: CollectOptions
    file: TweetFile
    clock: Clock
    hide: HandleHash

    def collect(self, track: Track) -> Outcome:
        """Collect until the limit, the time or the timeline ends, or a fault is met."""
        query = self.search.label(None if self.options.raw_handles else self.hide)
        outcome = Outcome(query, self.file.counts[query])
        try:
            outcome.end = self._keep(outcome, track)
        except PageError as fault:
            outcome.fault = self._explain(fault)
        except browser_errors() as error:
            outcome.fault = BrowserGoneError(first_line(error))
        if outcome.fault:
            outcome.end = outcome.fault.name
        return outcome

    def _keep(self, outcome: Outcome, track: Track) -> str:
        """Keep tweets until there is a reason to stop, and return it."""
        limit = self.options.limit or 0
        track(self.search.words, outcome.kept, limit)
        if limit and outcome.kept >= limit:
            return "limit"
        if self.clock.left() <= 0:
            return "time"
        timeline = Timeline(self.browser, self.search.address(self.options.url), self.clock, self.file.ids)
        for tweet in timeline.read():
            record = tweet_record(tweet, outcome.query, self.hide, raw_handles=self.options.raw_handles)
            if not self.file.add(record):
                continue
            outcome.new += 1
            outcome.kept += 1
            track(self.search.words, outcome.kept, limit)
            if outcome.kept == limit:
                return "limit"
        return "end" if self.clock.left() > 0 else "time"

    def _explain(self, fault: PageError) -> PageError:
        """Return the fault, or why there is none of a user's tweets: the search says only that it finds nothing."""
        if not (isinstance(fault, EmptyResultError) and self.search.user):
            return fault
        self.clock.pause()
        profile = Timeline(self.browser, f"{self.options.url}/{self.search.user}", self.clock)
        return profile.fault() or fault


def _screenshot(browser: WebDriver, path: Path, name: str) -> Path | None:
    """Save a picture of the page beside the file, for its owner alone; None if it cannot be: the fault counts."""
    target = path.with_name(f"{path.stem}-{name}.png")
    failures: tuple[type[Exception], ...] = (*browser_errors(), GnbError)
    try:
        write_private(target, browser.get_screenshot_as_png())
    except failures:
        return None
    return target
