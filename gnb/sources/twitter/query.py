"""What is searched for, and the address of the page that shows it."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from urllib.parse import urlencode

from gnb.core.errors import InputError, SettingsError
from gnb.core.lines import is_blank, read_lines

_HANDLE = re.compile(r"@?([A-Za-z0-9_]{1,15})")
_HASHTAG = re.compile(r"#?([\w\u200c]+)")
_LIST = re.compile(r"(?:https?://\S+/lists/)?(\d+)/?")
_LANG = re.compile(r"[a-z]{2,3}")
_FROM = re.compile(r"\bfrom:@?(\w+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Search:
    """One search of X.

    Attributes:
        words: the query in X's own syntax, such as "فمینیسم" or "from:name".
        since: first day, or None.
        until: the day after the last, or None.
        lang: language as X codes it, such as "fa", or None for any.
        latest: newest first; otherwise X's own choice ("top").
    """

    words: str
    since: date | None = None
    until: date | None = None
    lang: str | None = None
    latest: bool = False

    @property
    def user(self) -> str | None:
        """The user whose tweets alone are searched for, None if that is not the whole query."""
        match = _FROM.fullmatch(self.words)
        return match[1] if match else None

    @property
    def query(self) -> str:
        """The words with the dates and the language, in X's own syntax."""
        terms = [self.words]
        terms += [f"since:{self.since}"] if self.since else []
        terms += [f"until:{self.until}"] if self.until else []
        terms += [f"lang:{self.lang}"] if self.lang else []
        return " ".join(terms)

    def address(self, url: str) -> str:
        """Return the address of the page with the results, on the site of that address."""
        values = {"q": self.query, "src": "typed_query", "f": "live" if self.latest else "top"}
        return f"{url}/search?{urlencode(values)}"

    def label(self, hide: Callable[[str], str] | None = None) -> str:
        """Return the query as it is kept with each tweet, the names of authors in it hidden if asked."""
        return _FROM.sub(lambda match: f"from:{hide(match[1])}", self.query) if hide else self.query


def build_searches(
    common: Search, queries: Iterable[str], users: Iterable[str], hashtags: Iterable[str], lists: Iterable[str]
) -> list[Search]:
    """Return one search for each query, user, hashtag and list, each once, with the dates and language of `common`.

    Raises:
        SettingsError: if one is malformed, or the dates leave no day.
    """
    if common.since and common.until and common.since >= common.until:
        raise SettingsError(f"--since {common.since} is not before --until {common.until}, the day after the last.")
    if common.lang and not _LANG.fullmatch(common.lang):
        raise SettingsError(f"--lang {common.lang!r}: write a code such as fa.")
    words = [_query(query) for query in queries]
    words += [f"from:{_match(_HANDLE, user, '--user', 'a name such as example')}" for user in users]
    words += [f"#{_match(_HASHTAG, hashtag, '--hashtag', 'a hashtag without spaces')}" for hashtag in hashtags]
    words += [f"list:{_match(_LIST, name, '--list', 'the number of a list, or its address')}" for name in lists]
    return [replace(common, words=each) for each in dict.fromkeys(words)]


def read_queries(path: Path) -> list[str]:
    """Return the queries of a file, one a line; blank lines are passed over.

    Raises:
        InputError: if the file cannot be read, holds no query or is not UTF-8.
    """
    queries = [line.text.strip() for line in read_lines(path) if not is_blank(line.text)]
    if not queries:
        raise InputError(f"{path}: holds no query; expected one a line.")
    return queries


def _query(text: str) -> str:
    if is_blank(text):
        raise SettingsError("--query is blank; write what to search for.")
    return " ".join(text.split())


def _match(pattern: re.Pattern[str], text: str, option: str, expected: str) -> str:
    match = pattern.fullmatch(text.strip())
    if not match:
        raise SettingsError(f"{option} {text!r}: write {expected}.")
    return match[1]
