"""Posts out of the CSV of scrapers, whose columns go by many names."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gnb.core.errors import InputError
from gnb.core.records import Report
from gnb.sources.columns import listed, simple_name
from gnb.sources.csv_files import CsvOptions, CsvSource
from gnb.sources.pieces import Piece
from gnb.sources.x_export.post import Post, is_repost

_USUAL = {
    "text": "content|rawcontent|tweet_content|full_text|tweet_text|tweet|text",
    "id": "tweet_id|tweetid|id_str|status_id|id|tweet_link|permalink|url|link",
    "time": "datetime|timestamp|created_at|date|posted_at|time",
    "lang": "lang|language",
    "handle": "handle|username|screen_name|user_screen_name|author_username|user_name|author|user",
    "replies": "replies|replycount|reply_count|comments",
    "reposts": "reposts|retweets|retweetcount|retweet_count",
    "quotes": "quotes|quotecount|quote_count",
    "likes": "likes|likecount|like_count|favorite_count|favorites",
}
_COUNTS = ("replies", "reposts", "quotes", "likes")


def scraped_posts(piece: Piece, report: Report) -> Iterator[tuple[int | str, Post]]:
    """Yield the posts, each with the number of its line.

    Raises:
        InputError: if no column has a usual name for the text.
        BrokenError: if the file cannot be read on.
    """
    columns: dict[str, str] = {}
    for number, cells in CsvSource(CsvOptions(path=Path(piece.name))).rows(piece, report):
        columns = columns or _columns(list(cells), piece.name)
        yield number, _post({role: str(cells[name]) for role, name in columns.items()})


def _columns(names: list[str], where: str) -> dict[str, str]:
    known = {simple_name(name): name for name in reversed(names)}
    found = {role: [known[name] for name in usual.split("|") if name in known] for role, usual in _USUAL.items()}
    if not found["text"]:
        raise InputError(
            f"{where}: no column has the name that scrapers give the text, such as Content. Columns: {listed(names)}. "
            f"Read it as a table: csv:{where} with text=COLUMN"
        )
    return {role: columns[0] for role, columns in found.items() if columns}


def _post(cells: Mapping[str, str]) -> Post:
    number = re.search(r"(?<![\d.])\d{5,20}$", cells.get("id", "").strip())
    counts: dict[str, Any] = {role: _count(cells[role]) for role in _COUNTS if role in cells}
    return Post(
        id=number[0] if number else "",
        text=cells["text"],
        time=cells.get("time") or None,
        lang=cells.get("lang") or None,
        handle=cells.get("handle", "").strip().removeprefix("@"),
        counts=counts,
        repost=is_repost(cells["text"]),
    )


def _count(cell: str) -> int | str | None:
    """Return a count as a number where it is one; 1.2K stays as it is."""
    return int(cell) if cell.isdecimal() else cell or None
