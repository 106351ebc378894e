"""Walking down a timeline: reads what is in view, expands what is cut, scrolls, waits, and says why it ends."""

from __future__ import annotations

import secrets
import time
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from gnb.sources.twitter.faults import (
    ChangedPageError,
    EmptyResultError,
    LoginWallError,
    PageError,
    ProtectedError,
    RateLimitError,
    StalledError,
)
from gnb.sources.twitter.options import PaceOptions
from gnb.sources.twitter.selectors import EMPTY, PROTECTED, RATE_LIMIT, TIMELINE, WALL_PATHS
from gnb.sources.twitter.tweet import Article, Tweet, parse_tweet

if TYPE_CHECKING:
    from selenium.webdriver.remote.webdriver import WebDriver

_POLL = 0.05
"""Seconds between two looks at a page that is expected to change."""
_FEW = 3
"""So many tweets in view tell that a page has changed if none of them is as known; fewer may all be promoted."""


@dataclass(frozen=True, slots=True)
class Look:
    """What the page shows at one moment: see `look` in `page.js`, which it is filled from."""

    tweets: Sequence[Article]
    path: str
    loading: bool
    login: bool
    empty: bool
    answers: Sequence[tuple[str, int]]
    notice: str


@dataclass(slots=True)
class Clock:
    """Keeps the pace, and knows when the time is up. `start` is a reading of `time.monotonic`."""

    pace: PaceOptions
    start: float = field(default_factory=time.monotonic)

    def left(self) -> float:
        """Return the seconds that are left; infinite without a bound."""
        minutes = self.pace.minutes
        return float("inf") if minutes is None else self.start + 60 * minutes - time.monotonic()

    def pause(self) -> None:
        """Wait politely: half to one and a half of the delay, drawn anew each time, never past the end."""
        wanted = self.pace.delay * secrets.SystemRandom().uniform(0.5, 1.5)
        time.sleep(max(0.0, min(wanted, self.left())))


class Timeline:
    """The tweets of one page, each once, in the order in which they stand there.

    Args:
        browser: the browser, at any page.
        address: the page.
        clock: the pace.
        known: numbers of tweets that nobody needs again.
    """

    def __init__(self, browser: WebDriver, address: str, clock: Clock, known: Container[str] = ()) -> None:
        self._browser, self._address, self._clock, self._known = browser, address, clock, known
        self._pace = clock.pace
        self._seen: set[str] = set()
        self._stuck: set[str] = set()
        self._limited: set[str] = set()

    def read(self) -> Iterator[Tweet]:
        """Yield the tweets one by one until there is nothing new or the time is up.

        Raises:
            PageError: if the page shows something else than tweets.
        """
        self._browser.get(self._address)
        idle = 0
        while self._clock.left() > 0 and idle < self._pace.patience:
            look = self._expanded(self._await_news())
            found = self._parse(look)
            news = [tweet for tweet in found if tweet.id not in self._seen]
            idle = 0 if news else idle + 1
            if news:
                self._seen.update(tweet.id for tweet in news)
                for tweet in news:
                    if tweet.id not in self._known:
                        yield self._open(tweet) if tweet.more == "link" else tweet
            elif self._clock.left() > 0 and (fault := self._fault(look, last=idle == self._pace.patience)):
                raise fault
            self._act("scroll", [tweet.id for tweet in found[-1:]])
            self._clock.pause()

    def fault(self) -> PageError | None:
        """Open the page and return what it shows instead of tweets, None if it shows some."""
        self._browser.get(self._address)
        look = self._await_news()
        return None if look.tweets else self._fault(look, last=True)

    def _await_news(self) -> Look:
        """Look until there is a tweet that was not seen before, a fault, or nothing more to wait for."""
        start = time.monotonic()
        while True:
            look = self._look()
            waited = time.monotonic() - start
            if self._has_news(look) or look.path.startswith(WALL_PATHS) or self._clock.left() <= 0:
                return look
            # A page without any tweet has not been built yet, unless it says why.
            says = self._limited or look.empty or look.login or _fault_told(look)
            building = look.loading or not (look.tweets or says)
            if waited > (self._pace.timeout if building else self._pace.settle):
                return look
            time.sleep(_POLL)

    def _look(self) -> Look:
        look = Look(**self._act("look", []))
        for path, status in look.answers:
            if status == 429:  # RFC 6585: too many requests
                self._limited.add(path)
            elif status:
                self._limited.discard(path)
        return look

    def _has_news(self, look: Look) -> bool:
        return any(article["time"] and article["id"] not in self._seen for article in look.tweets)

    def _parse(self, look: Look) -> list[Tweet]:
        """Return the tweets in view that are not promoted.

        Raises:
            ChangedPageError: if what is in view lacks what tweets have.
        """
        found = [tweet for article in look.tweets if (tweet := parse_tweet(article))]
        if len(look.tweets) >= _FEW and not found:
            raise ChangedPageError("no tweet in view has a time")
        if len(found) >= _FEW and all(article["text"] is None for article in look.tweets if article["time"]):
            raise ChangedPageError("no tweet in view has a text")
        return found

    def _fault(self, look: Look, *, last: bool) -> PageError | None:
        """Return what keeps the page from showing more, if it shows any such thing.

        Args:
            look: a look without news.
            last: whether it is the last one before the timeline counts as ended. A wall may stand beside tweets, and
                some other request than that for tweets may be refused: they count if nothing more comes.
        """
        if fault := _fault_told(look):
            return fault
        if self._limited and (last or not look.tweets):
            return RateLimitError()
        if look.login and (last or not look.tweets):
            return LoginWallError()
        if look.loading:
            return StalledError()
        return None if look.tweets else ChangedPageError("no tweet is found on it")

    def _expanded(self, look: Look) -> Look:
        """Expand the texts in view that are cut, and return what is in view then: what grows pushes others out of it.

        One that does not expand within a few seconds is left as it is.
        """
        end = time.monotonic() + self._patient(5.0)
        clicked: set[str] = set()
        while cut := self._cut(look):
            if time.monotonic() > end:
                self._stuck |= cut
                break
            if cut - clicked:
                self._act("expand", sorted(cut - clicked))
                clicked |= cut
            time.sleep(_POLL)
            look = self._look()
        return look

    def _cut(self, look: Look) -> set[str]:
        cut = {article["id"] for article in look.tweets if article["time"] and article["more"] == "button"}
        return {each for each in cut - self._seen - self._stuck if each not in self._known}

    def _open(self, tweet: Tweet) -> Tweet:
        """Read a tweet on its own page, in a tab beside the timeline."""
        self._clock.pause()
        timeline = self._browser.current_window_handle
        site = "/".join(self._address.split("/", 3)[:3])
        self._browser.switch_to.new_window("tab")
        try:
            self._browser.get(f"{site}/i/status/{tweet.id}")
            return self._find_whole(tweet.id) or tweet
        finally:
            self._browser.close()
            self._browser.switch_to.window(timeline)

    def _find_whole(self, identity: str) -> Tweet | None:
        """Look for a tweet with its whole text until it is there; None if it does not come."""
        end = time.monotonic() + self._patient(15.0)
        while time.monotonic() < end:
            for article in self._expanded(self._look()).tweets:
                if article["id"] == identity and not article["more"]:
                    return parse_tweet(article)
            time.sleep(_POLL)
        return None

    def _patient(self, seconds: float) -> float:
        return min(seconds, self._pace.timeout)

    def _act(self, action: str, ids: Sequence[str]) -> Any:
        return self._browser.execute_script(_script(), action, TIMELINE, list(ids))


def _fault_told(look: Look) -> PageError | None:
    """Return the fault that the page tells of in words."""
    if look.path.startswith(WALL_PATHS):
        return LoginWallError()
    if RATE_LIMIT.search(look.notice):
        return RateLimitError()
    if look.tweets:
        return None
    if PROTECTED.search(look.notice):
        return ProtectedError()
    if look.empty or EMPTY.search(look.notice):
        return EmptyResultError()
    return None


@cache
def _script() -> str:
    return resources.files(__package__).joinpath("page.js").read_text("utf-8")
