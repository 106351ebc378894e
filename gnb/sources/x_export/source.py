"""The `x-export` source."""

import re
from collections.abc import Iterator
from io import BufferedReader, TextIOWrapper
from pathlib import PurePosixPath
from typing import ClassVar, cast

from gnb.core.components import Source
from gnb.core.errors import InputError
from gnb.core.lines import is_blank
from gnb.core.options import Options
from gnb.core.records import Example, Problem, Report
from gnb.sources.decoding import AUTO, decode
from gnb.sources.files import UserPath
from gnb.sources.json_values import stream_values
from gnb.sources.packed import BrokenError
from gnb.sources.pieces import Piece, open_pieces
from gnb.sources.twitter.private import HandleHash
from gnb.sources.x_export.objects import posts_in
from gnb.sources.x_export.post import Post, text_and_metadata
from gnb.sources.x_export.scraped import scraped_posts

_ENDINGS = ("js", "json", "jsonl", "csv")
_ARCHIVED = re.compile(r"tweets?(-part\d+)?\.js")
"""The files of an account archive that hold what its owner posted; all others are of no concern here."""
_SCRIPT = b"window.YTD."


class XExportOptions(Options):
    """Options of the `x-export` source."""

    path: UserPath
    """A file, the zip of an account archive, a folder, or a pattern such as `pages/*.json`."""
    reposts: bool = False
    """Whether to keep posts that only repeat one of someone else."""
    raw_handles: bool = False
    """Whether to keep the names of authors and of those mentioned beside their hashes."""


class XExportSource(Source):
    """Posts of X (Twitter): pages or lines of its API v2 (or v1.1), an account archive, or the CSV of a scraper.

    Which of them a file is shows in how it begins. The examples are unlabelled. Text is the whole text as the author
    wrote it; time, language, counts, hashtags and mentions are metadata, names only as keyed hashes, the same that
    `gnb collect twitter` writes. A post that comes again is read once.
    """

    options_model: ClassVar[type[Options]] = XExportOptions
    argument: ClassVar[str | None] = "path"
    options: XExportOptions

    def read(self, report: Report) -> Iterator[Example]:
        """Yield the posts in the order of the files; what is no post is reported.

        Raises:
            InputError: if there is no such file, no post in any, or a CSV has no column for the text.
        """
        self.notes.clear()
        hide = HandleHash()
        seen: set[str] = set()
        posts = reposts = again = 0
        for origin, post in self._posts(report):
            posts += 1
            name = post.id or origin
            if post.repost and not self.options.reposts:
                reposts += 1
            elif name in seen:
                again += 1
            elif is_blank(post.text):
                report(Problem(origin, "a post without text; expected something to read"))
            else:
                seen.add(name)
                text, metadata = text_and_metadata(post, hide, raw_handles=self.options.raw_handles)
                yield Example(name, text, origin=origin, metadata=metadata)
        if posts == 0:
            raise InputError(f"{self.options.path}: holds no posts, neither of the X API nor of an archive or scraper.")
        self.notes.append(f"{self.options.path}: {posts} posts, {reposts} reposts left aside, {again} that came again")

    def _posts(self, report: Report) -> Iterator[tuple[str, Post]]:
        for piece in open_pieces(self.options.path, _ENDINGS, report):
            if _is_of_no_concern(piece, given=str(self.options.path)):
                continue
            try:
                for number, post in _read_piece(piece, report):
                    yield f"{piece.label}:{number}", post
            except BrokenError as error:
                report(Problem(piece.name, f"{error}; what comes before that is read"))


def _is_of_no_concern(piece: Piece, given: str) -> bool:
    name = PurePosixPath(piece.label).name
    return name.endswith(".js") and piece.name != given and not _ARCHIVED.fullmatch(name)


def _read_piece(piece: Piece, report: Report) -> Iterator[tuple[int | str, Post]]:
    """Yield the posts of one file, each with the number of the line it begins in."""
    head = cast(BufferedReader, piece.stream).peek().lstrip(b"\xef\xbb\xbf \t\r\n")
    if not head.startswith((_SCRIPT, b"{", b"[")):
        yield from scraped_posts(piece, report)
        return
    with decode(piece.stream, AUTO, newline="\n") as text:
        if head.startswith(_SCRIPT):
            _skip_assignment(text)
        for found in stream_values(text, piece.name):
            if isinstance(found, Problem):
                report(found)
                continue
            number, value = found
            for post in posts_in(value):
                if isinstance(post, ValueError):
                    report(Problem(f"{piece.name}:{number}", str(post)))
                else:
                    yield number, post


def _skip_assignment(text: TextIOWrapper) -> None:
    """Pass over `window.YTD.tweets.part0 =`, with which a file of an account archive begins."""
    while (letter := text.read(1)) and letter != "=":
        pass
