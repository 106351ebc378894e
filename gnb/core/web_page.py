"""A page for the browser: Persian, right to left, in one file that loads nothing."""

import unicodedata
from collections.abc import Iterable, Iterator
from html import escape

from gnb.core.layout import DELETED, INSERTED, Piece, printable

MADE_HERE = '<meta name="generator" content="gnb">'
"""By this line a page is known as one of ours: it may be replaced by the next one."""

_TAGS = {DELETED: "del", INSERTED: "ins"}
_HEAD = """<!DOCTYPE html>
<html lang="fa" dir="rtl">
<head>
<meta charset="utf-8">
{made_here}
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 1.1rem/1.9 Vazirmatn, "Noto Naskh Arabic", Tahoma, sans-serif; max-width: 60rem; margin: 2rem auto;
  padding: 0 1rem; }}
table {{ width: 100%; border-collapse: collapse; }}
del {{ color: #b00020; }}
ins {{ color: #00702a; font-weight: bold; text-decoration: none; }}
{style}</style>
</head>
<body>
"""


def web_page(title: str, style: str, body: Iterable[str]) -> Iterator[str]:
    """Yield a page piece by piece.

    Args:
        title: of the page, as plain text.
        style: rules of CSS besides those of all pages.
        body: the HTML between the body's tags, piece by piece.
    """
    yield _HEAD.format(made_here=MADE_HERE, title=escape(printable(title)), style=style)
    yield from body
    yield "</body>\n</html>\n"


def tagged(pieces: Iterable[Piece]) -> str:
    """Return pieces as HTML, what was deleted and inserted between <del> and <ins>."""
    return "".join(map(_tagged, pieces))


def direction(pieces: Iterable[Piece]) -> str:
    """Return the direction of a text for `dir`: "rtl" if it has such a letter, whatever name or link it begins with."""
    letters = "".join(piece.text for piece in pieces)
    return "rtl" if any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in letters) else "ltr"


def _tagged(piece: Piece) -> str:
    tag, text = _TAGS.get(piece.kind), escape(piece.text)
    return f"<{tag}>{text}</{tag}>" if tag else text
