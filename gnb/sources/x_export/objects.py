"""Posts out of JSON: pages and posts of the X API v2, and the older objects of the API v1.1 and of account archives."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from gnb.sources.x_export.post import Post, is_repost

_COUNTS_V2 = {"replies": "reply_count", "reposts": "retweet_count", "quotes": "quote_count", "likes": "like_count"}
_COUNTS_V1 = _COUNTS_V2 | {"likes": "favorite_count"}
_TIME_V1 = "%a %b %d %H:%M:%S %z %Y"

_NO_FORM = (KeyError, TypeError, AttributeError, ValueError)

Json = Mapping[str, Any]


def posts_in(value: Any) -> Iterator[Post | ValueError]:
    """Yield the posts of a JSON value: a page of the API v2, a post of either API, or an item of an account archive.

    What is none of these, or not of their form, is yielded as an error; the message says what was found.
    """
    try:
        read, posts = _taken_apart(value)
    except _NO_FORM as error:
        yield _explain(error)
        return
    for post in posts:
        try:
            yield read(post)
        except _NO_FORM as error:
            yield _explain(error)


def _taken_apart(value: Any) -> tuple[Callable[[Json], Post], list[Json]]:
    """Return what reads the posts of a value, and these."""
    if not isinstance(value, dict):
        raise ValueError(f"holds a {type(value).__name__}; expected a post, or a page of posts")
    if isinstance(value.get("tweet"), dict):
        return _older, [value["tweet"]]
    if "data" in value or "meta" in value:
        data = value.get("data") or []
        read = partial(_newer, users=_included(value, "users"), others=_included(value, "tweets"))
        return read, data if isinstance(data, list) else [data]
    if "id_str" in value:
        return _older, [value]
    if "id" in value and "text" in value:
        return partial(_newer, users={}, others={}), [value]
    raise ValueError(f"has the keys {', '.join(list(value)[:8]) or 'none'}; expected a post, or a page of posts")


def _included(page: Json, kind: str) -> dict[str, Json]:
    """Return the included users or posts by id; what is not of their form is left out."""
    included = page.get("includes")
    items = included.get(kind) if isinstance(included, dict) else None
    if not isinstance(items, list):
        return {}
    return {str(item["id"]): item for item in items if isinstance(item, dict) and "id" in item}


def _explain(error: Exception) -> ValueError:
    if isinstance(error, ValueError):
        return error
    return ValueError(f"is not of the form of a post ({type(error).__name__}: {error})")


def _newer(post: Json, users: Mapping[str, Json], others: Mapping[str, Json]) -> Post:
    """Read a post of the API v2; a repost gets the whole text of the post that it repeats where that is included."""
    counts = post.get("public_metrics") or {}
    references = post.get("referenced_tweets") or ()
    repeated = next((str(each["id"]) for each in references if each["type"] == "retweeted"), "")
    authors = (post.get("author") or {}, users.get(str(post.get("author_id")), {}))
    return Post(
        id=str(post["id"]),
        text=_whole(others.get(repeated, {})) or _whole(post),
        time=post.get("created_at"),
        lang=post.get("lang"),
        handle=next((str(author["username"]) for author in authors if author.get("username")), ""),
        counts={name: counts[key] for name, key in _COUNTS_V2.items() if key in counts},
        repost=bool(repeated) or is_repost(post["text"]),
        escaped=True,
    )


def _whole(post: Json) -> str:
    """Return the text of a post of the API v2, which cuts off all but notes; an empty one if it has none."""
    note = post.get("note_tweet")
    return str((note.get("text") if isinstance(note, dict) else "") or post.get("text") or "")


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
