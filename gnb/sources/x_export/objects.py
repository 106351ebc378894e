"""Posts out of JSON: pages and posts of the X API v2, and the older objects of the API v1.1 and of account archives."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from gnb.sources.x_export.post import Post, is_repost

_COUNTS_V2 = {"replies": "reply_count", "reposts": "retweet_count", "quotes": "quote_count", "likes": "like_count"}
_COUNTS_V1 = _COUNTS_V2 | {"likes": "favorite_count"}
_TIME_V1 = "%a %b %d %H:%M:%S %z %Y"

Json = Mapping[str, Any]


def posts_in(value: Any) -> Iterator[Post]:
    """Yield the posts of a JSON value: a page of the API v2, a post of either API, or an item of an account archive.

    Raises:
        ValueError: if it is none of these, or not of their form; the message says what was found.
    """
    if not isinstance(value, dict):
        raise ValueError(f"holds a {type(value).__name__}; expected a post, or a page of posts")
    try:
        if isinstance(value.get("tweet"), dict):
            yield _older(value["tweet"])
        elif "data" in value or "meta" in value:
            yield from _page(value)
        elif "id_str" in value:
            yield _older(value)
        elif "id" in value and "text" in value:
            yield _newer(value, {}, {})
        else:
            raise ValueError(
                f"has the keys {', '.join(list(value)[:8]) or 'none'}; expected a post, or a page of posts"
            )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"is not of the form of a post ({type(error).__name__}: {error})") from None


def _page(page: Json) -> Iterator[Post]:
    included = page.get("includes") or {}
    handles = {user["id"]: user["username"] for user in included.get("users", ())}
    texts = {post["id"]: post for post in included.get("tweets", ())}
    data = page.get("data") or []
    for post in [data] if isinstance(data, dict) else data:
        yield _newer(post, handles, texts)


def _newer(post: Json, handles: Mapping[str, str], others: Mapping[str, Json]) -> Post:
    """Read a post of the API v2; a repost gets the whole text of the post that it repeats where that is included."""
    counts = post.get("public_metrics") or {}
    repeated = [each["id"] for each in post.get("referenced_tweets") or () if each["type"] == "retweeted"]
    author = post.get("author") or {}
    return Post(
        id=str(post["id"]),
        text=_whole(others.get(repeated[0], post) if repeated else post),
        time=post.get("created_at"),
        lang=post.get("lang"),
        handle=str(author.get("username") or handles.get(post.get("author_id") or "", "")),
        counts={name: counts[key] for name, key in _COUNTS_V2.items() if key in counts},
        repost=bool(repeated) or is_repost(post["text"]),
        escaped=True,
    )


def _whole(post: Json) -> str:
    return str((post.get("note_tweet") or {}).get("text") or post["text"])


def _older(post: Json) -> Post:
    """Read a post of the API v1.1 or of an account archive, which writes numbers as texts."""
    text = (post.get("extended_tweet") or {}).get("full_text") or post.get("full_text") or post["text"]
    return Post(
        id=str(post["id_str"]),
        text=text,
        time=_iso_time(post.get("created_at")),
        lang=post.get("lang"),
        handle=str((post.get("user") or {}).get("screen_name") or ""),
        counts={name: int(post[key]) for name, key in _COUNTS_V1.items() if str(post.get(key)).isdecimal()},
        repost=is_repost(text) or "retweeted_status" in post,
        escaped=True,
    )


def _iso_time(text: str | None) -> str | None:
    try:
        return datetime.strptime(text or "", _TIME_V1).isoformat()
    except ValueError:
        return text
