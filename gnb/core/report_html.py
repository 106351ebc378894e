"""Samples of a run as one HTML page: every text escaped."""

from collections.abc import Iterable, Iterator
from html import escape

from gnb.core.layout import printable
from gnb.core.samples import Sample
from gnb.core.web_page import direction, tagged, web_page

_STYLE = """table { margin-bottom: 2rem; }
caption { text-align: left; direction: ltr; color: #666; font-size: .85rem; }
th { direction: ltr; text-align: left; width: 9rem; color: #666; font-weight: normal; vertical-align: top; }
td, th { border-top: 1px solid #ddd; padding: .3rem .6rem; }
"""


def to_html(title: str, samples: Iterable[Sample]) -> Iterator[str]:
    """Yield the page piece by piece.

    Args:
        title: of the page.
        samples: what it shows, one table each; changed words are marked by <del> and <ins>.
    """
    return web_page(title, _STYLE, _body(title, samples))


def _body(title: str, samples: Iterable[Sample]) -> Iterator[str]:
    yield f"<h1 dir='ltr'>{escape(title)}</h1>\n"
    for sample in samples:
        yield f"<table><caption>{escape(sample.heading)}</caption>\n"
        for label, pieces in sample.lines():
            yield f"<tr><th>{escape(printable(label))}</th><td dir='{direction(pieces)}'>{tagged(pieces)}</td></tr>\n"
        yield "</table>\n"
