"""One tweet: from what the page shows to the record that is kept."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gnb.sources.twitter.faults import ChangedPageError

_STATUS = re.compile(r"/(\w+)/status/(\d+)")
_NUMBER = re.compile(r"(\d[\d,٬]*)(?:[.٫](\d+))?\s*(k|m|b|هزار|میلیون|میلیارد)?\b", re.IGNORECASE)
_UNITS = {"k": 10**3, "هزار": 10**3, "m": 10**6, "میلیون": 10**6, "b": 10**9, "میلیارد": 10**9}
_SURROGATES = re.compile("[\ud800-\udfff]")

Article = Mapping[str, Any]
"""A tweet as `page.js` returns it."""


@dataclass(frozen=True, slots=True)
class Tweet:
    """A tweet as its page shows it.

    Attributes:
        id: its number.
        handle: the author's name without @, an empty string if the page does not tell.
        time: when it was published, as the page gives it (ISO 8601, UTC).
        text: as a person reads it: emoji in their places, links as shown, the quoted tweet left out.
        lang: the language that X takes it for, such as "fa".
        replies, reposts, likes: counts; None where unreadable.
        hashtags: in order, without #.
        mentions: in order, without @.
        more: how the rest of a truncated text is reached, "button" or "link"; empty if the text is whole.
    """

    id: str
    handle: str
    time: str
    text: str
    lang: str | None
    replies: int | None
    reposts: int | None
    likes: int | None
    hashtags: tuple[str, ...]
    mentions: tuple[str, ...]
    more: str = ""


def parse_tweet(article: Article) -> Tweet | None:
    """Read one article; None for a promoted one, which has no time of its own.

    Raises:
        ChangedPageError: if it has a time but no number.
    """
    if not article["time"]:
        return None
    status = _STATUS.search(article["link"])
    if not status:
        raise ChangedPageError("a tweet has no link to itself")
    links = [_mend(link).strip() for link in article["links"]]
    return Tweet(
        id=status[2],
        handle=_handle(article["profile"]) or ("" if status[1] in ("i", "web") else status[1]),
        time=article["time"],
        text=_mend(article["text"] or ""),
        lang=article["lang"] or None,
        replies=_count(article["replies"]),
        reposts=_count(article["reposts"]),
        likes=_count(article["likes"]),
        hashtags=tuple(link[1:] for link in links if link.startswith("#")),
        mentions=tuple(link[1:] for link in links if link.startswith("@")),
        more=article["more"],
    )


def tweet_record(tweet: Tweet, query: str, hide: Callable[[str], str], *, raw_handles: bool) -> dict[str, Any]:
    """Return what is kept of a tweet, JSON values only.

    Args:
        tweet: the tweet.
        query: what was searched for.
        hide: makes a hash of a name.
        raw_handles: keep the names beside the hashes.
    """
    record: dict[str, Any] = {
        "id": tweet.id,
        "author": hide(tweet.handle) if tweet.handle else None,
        "time": tweet.time,
        "text": tweet.text,
        "lang": tweet.lang,
        "replies": tweet.replies,
        "reposts": tweet.reposts,
        "likes": tweet.likes,
        "hashtags": list(tweet.hashtags),
        "mentions": [hide(name) for name in tweet.mentions],
        "query": query,
        "collected": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    if tweet.more:
        record["truncated"] = True
    if raw_handles:
        record |= {"handle": tweet.handle or None, "mentioned_handles": list(tweet.mentions)}
    return record


def _handle(path: str) -> str:
    match = re.fullmatch(r"/(\w+)/?", path)
    return match[1] if match else ""


def _count(button: Mapping[str, str] | None) -> int | None:
    """Return the number on a button: exact from its description if there is one, else as shown, such as 1.2K."""
    if button is None:
        return None
    for text in (button["label"], button["shown"]):
        if match := _NUMBER.search(text):
            whole = "".join(str(unicodedata.digit(digit)) for digit in match[1] if digit.isdigit())
            rest = "".join(str(unicodedata.digit(digit)) for digit in match[2] or "")
            return round(float(f"{whole}.{rest or 0}") * _UNITS.get((match[3] or "").lower(), 1))
    return 0


def _mend(text: str) -> str:
    """Replace halves of characters, which no file can hold."""
    return _SURROGATES.sub("\ufffd", text) if _SURROGATES.search(text) else text
