"""Samples of a run as one HTML page: right to left, nothing loaded from elsewhere, every text escaped."""

from collections.abc import Iterable, Iterator
from html import escape

from gnb.core.layout import DELETED, INSERTED, Piece, printable
from gnb.core.samples import Sample

_TAGS = {DELETED: "del", INSERTED: "ins"}
_HEAD = """<!DOCTYPE html>
<html lang="fa" dir="rtl">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 1.1rem/1.9 Vazirmatn, "Noto Naskh Arabic", Tahoma, sans-serif; max-width: 60rem; margin: 2rem auto; }}
table {{ width: 100%; border-collapse: collapse; margin-bottom: 2rem; }}
caption {{ text-align: left; direction: ltr; color: #666; font-size: .85rem; }}
th {{ direction: ltr; text-align: left; width: 9rem; color: #666; font-weight: normal; vertical-align: top; }}
td, th {{ border-top: 1px solid #ddd; padding: .3rem .6rem; }}
del {{ color: #b00020; }}
ins {{ color: #00702a; font-weight: bold; text-decoration: none; }}
</style>
</head>
<body>
"""


def to_html(title: str, samples: Iterable[Sample]) -> Iterator[str]:
    """Yield the page piece by piece.

    Args:
        title: of the page.
        samples: what it shows, one table each; changed words are marked by <del> and <ins>.
    """
    yield _HEAD.format(title=escape(title))
    yield f"<h1 dir='ltr'>{escape(title)}</h1>\n"
    for sample in samples:
        yield f"<table><caption>{escape(sample.heading)}</caption>\n"
        for label, pieces in sample.lines():
            text = "".join(map(_tagged, pieces))
            yield f"<tr><th>{escape(printable(label))}</th><td dir='auto'>{text}</td></tr>\n"
        yield "</table>\n"
    yield "</body>\n</html>\n"


def _tagged(piece: Piece) -> str:
    tag, text = _TAGS.get(piece.kind), escape(piece.text)
    return f"<{tag}>{text}</{tag}>" if tag else text
