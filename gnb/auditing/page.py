"""An audit as one HTML page: bars drawn by HTML alone, every text escaped.

Bars are HTML because a browser shapes and orders Persian labels; matplotlib's SVG does neither.
"""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from gnb.auditing import Audit
from gnb.auditing.findings import Finding, Item
from gnb.core.layout import KEPT, Piece, marked, printable
from gnb.core.web_page import direction, tagged, web_page

ITEMS_SHOWN = 200
"""Items of one finding on the page; the JSON holds all."""

_STYLE = """h2 { margin-top: 2.5rem; border-bottom: 2px solid #ddd; }
td, th { border-top: 1px solid #e5e5e5; padding: .15rem .5rem; text-align: start; vertical-align: top;
  font-weight: normal; }
th { width: 11rem; }
td.number { width: 5rem; font-variant-numeric: tabular-nums; }
.bar { display: flex; height: 1.1rem; margin-top: .35rem; }
.bar i { display: block; background: #4477aa; }
.bar i.biased { background: #cc6677; }
.bar i.unbiased { background: #44aa99; }
.bar i.unlabelled { background: #bbbbbb; }
.key i { display: inline-block; width: 1rem; height: .8rem; margin-inline: 1rem .3rem; }
.key i.biased { background: #cc6677; }
.key i.unbiased { background: #44aa99; }
.key i.unlabelled { background: #bbbbbb; }
details { margin: .6rem 0; border: 1px solid #ddd; border-inline-start: .4rem solid #888; padding: .3rem .8rem; }
details.error { border-inline-start-color: #b00020; }
details.warning { border-inline-start-color: #d08700; }
summary { cursor: pointer; }
small { color: #666; }
"""
_TITLE = "وارسی داده"
_SEVERITIES = {"error": "خطا", "warning": "هشدار", "note": "یادداشت"}
_TITLES = {
    "duplicate": "متن‌هایی که رونوشت متنی پیش از خود هستند",
    "contradictory-labels": "رونوشت‌های یک متن با برچسب‌های متضاد",
    "contradictory-categories": "رونوشت‌های یک متن در دو دسته",
    "near-duplicate": "جفت متن‌هایی که تقریباً یکی‌اند",
    "leak": "متن‌هایی که در دو بخش داده هستند",
    "near-leak": "جفت متن‌هایی که تقریباً یکی‌اند و در دو بخش داده‌اند",
    "reference-same": "متن‌های سوگیرانه‌ای که مرجعشان خود متن است",
    "reference-differs": "متن‌های بی‌سوگیری که مرجعشان متن دیگری است",
    "reference-empty": "متن‌هایی با مرجع خالی",
    "reference-missing": "متن‌های سوگیرانهٔ بی‌مرجع",
    "reference-length": "مرجع‌هایی که خیلی کوتاه‌تر یا بلندتر از متن‌اند",
    "chatter": "متن یا مرجعی که در آن مدل زبانی از کار خود حرف می‌زند",
    "chatter-likely": "متن یا مرجعی که مثل پاسخ مدل زبانی آغاز می‌شود",
    "numbering": "متن یا مرجع با شماره یا نشانهٔ فهرست",
    "skewed-word": "واژه‌ای که تقریباً همهٔ متن‌هایش یک برچسب دارند",
    "opening": "متن‌هایی که سه واژهٔ آغازشان مشترک است",
    "characters-control": "نویسهٔ کنترلی",
    "characters-invisible": "نشانهٔ جهت یا نویسهٔ ناپیدا",
    "characters-letters": "حرف‌های عربی ي، ى یا ك",
    "characters-kashida": "کشیده (ـ)",
    "characters-half-spaces": "نیم‌فاصله در لبهٔ واژه یا تکراری",
    "characters-verbs": "متن رسمی بی نیم‌فاصلهٔ «می» یا «نمی»",
    "characters-affixes": "متن رسمی بی نیم‌فاصلهٔ پسوند",
    "characters-digits": "رقم‌های دو خط در یک متن",
    "personal-data": "داده‌های شخصی",
}
_GENDERS = {"feminine": "زنانه", "masculine": "مردانه"}
_NAMES = {"train": "آموزش", "validation": "اعتبارسنجی", "test": "آزمون", "none": "بی‌بخش"}
_LABELS = {"biased": "سوگیرانه", "unbiased": "بی‌سوگیری", "unlabelled": "بی‌برچسب"}
_REGISTERS = {"formal": "رسمی", "informal": "خودمانی"}
_PERSIAN = str.maketrans("0123456789,.%", "۰۱۲۳۴۵۶۷۸۹٬٫٪")


def to_html(data: str, audit: Audit) -> Iterator[str]:
    """Yield the page piece by piece.

    Args:
        data: what was audited.
        audit: what it shows.
    """
    return web_page(f"{_TITLE}: {data}", _STYLE, _body(data, audit))


def _body(data: str, audit: Audit) -> Iterator[str]:
    sizes = audit.sizes
    yield f"<h1>{_TITLE}: <bdi>{escape(printable(data))}</bdi></h1>\n"
    yield f"<p>{_number(sizes['texts'])} متن، {_number(sizes['references'])} مرجع</p>\n"
    yield "<h2>یافته‌ها</h2>\n"
    yield from map(_finding, audit.findings)
    yield "" if audit.findings else "<p>چیزی پیدا نشد.</p>\n"
    yield from _bars("بخش‌ها", sizes["splits"], _NAMES)
    yield from _bars("برچسب‌ها", sizes["labels"], _LABELS)
    yield from _bars("دسته‌ها", sizes["categories"], {"none": "none (بی‌سوگیری)"})
    yield from _bars("لحن", sizes["registers"], _REGISTERS)
    yield from _bars("تعداد واژه‌های هر متن", _ranges(sizes["word_histogram"]), {})
    yield from _bars("چندک‌های تعداد واژه", sizes["words"], {})
    yield from _genders(audit.genders)
    for words, openings in audit.openings.items():
        share = f"{openings['share']:.1%}".translate(_PERSIAN)
        yield from _bars(f"آغازهای {_number(int(words))} واژه‌ای مشترک ({share} متن‌ها)", openings["common"], {})


def _finding(finding: Finding) -> str:
    title = _TITLES.get(finding.name, finding.title)
    severity = _SEVERITIES[finding.severity]
    rows = "".join(map(_item, finding.items[:ITEMS_SHOWN]))
    rest = len(finding.items) - ITEMS_SHOWN
    more = f"<p><small>و {_number(rest)} مورد دیگر؛ همه در خروجی ‎--json‎ هست.</small></p>" if rest > 0 else ""
    return (
        f"<details class='{finding.severity}'><summary>{severity}: {escape(title)} "
        f"({_number(len(finding.items))}) <small dir='ltr'>{escape(finding.name)}: {escape(finding.title)}</small>"
        f"</summary><table>{rows}</table>{more}</details>\n"
    )


def _item(item: Item) -> str:
    name = escape(printable(item.id)) + (f"<br>{escape(printable(item.origin))}" if item.origin != item.id else "")
    detail = f"<br><small><bdi dir='ltr'>{escape(printable(item.detail))}</bdi></small>" if item.detail else ""
    text = marked(item.other, item.text) if item.other else [Piece(KEPT, printable(item.text))]
    shown = f"<bdi dir='{direction(text)}'>{tagged(text)}</bdi>"
    return f"<tr><th><small><bdi>{name}</bdi></small></th><td>{shown}{detail}</td></tr>"


def _bars(title: str, counts: Mapping[str, int], names: Mapping[str, str]) -> Iterator[str]:
    if not counts:
        return
    yield f"<h2>{title}</h2>\n<table>\n"
    most = max(*counts.values(), 1)
    for name, count in counts.items():
        label = escape(printable(names.get(name, name.translate(_PERSIAN))))
        bar = f"<div class='bar'><i style='width:{100 * count / most:.1f}%'></i></div>"
        yield f"<tr><th><bdi>{label}</bdi></th><td class='number'>{_number(count)}</td><td>{bar}</td></tr>\n"
    yield "</table>\n"


def _genders(genders: Mapping[str, Any]) -> Iterator[str]:
    """Yield bars of the texts with each word, split by their labels."""
    yield "<h2>توازن واژه‌های جنسیتی</h2>\n"
    key = "".join(f"<i class='{label}'></i>{name}" for label, name in _LABELS.items())
    yield f"<p class='key'>شمار متن‌ها:{key}</p>\n<table>\n"
    rows = [(f"همهٔ واژه‌های {_GENDERS[name]}", count) for name, count in genders["genders"].items()]
    rows += [(f"{count['word']} ({_GENDERS[count['gender']]})", count) for count in genders["words"]]
    most = max([1, *(count["biased"] + count["unbiased"] + count["unlabelled"] for _, count in rows)])
    for label, count in rows:
        parts = "".join(f"<i class='{part}' style='width:{100 * count[part] / most:.1f}%'></i>" for part in _LABELS)
        share = "-" if count["biased_share"] is None else f"{count['biased_share']:.0%}".translate(_PERSIAN)
        yield f"<tr><th>{escape(label)}</th><td class='number'>{_number(count['occurrences'])}</td>"
        yield f"<td class='number'>{share}</td><td><div class='bar'>{parts}</div></td></tr>\n"
    yield "</table>\n"


def _number(value: int) -> str:
    return f"{value:,}".translate(_PERSIAN)


def _ranges(counts: Mapping[str, int]) -> dict[str, int]:
    """Return counts whose names are ranges in words: a dash between digits reads the wrong way round."""
    return {name.replace("–", " تا ").replace("56+", "۵۶ و بیشتر"): count for name, count in counts.items()}
