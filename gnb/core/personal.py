"""Personal data in text: where it stands, and the same text with placeholders in its place.

Found are @names, mail addresses, links to profiles, Iranian telephone numbers, national codes, bank cards and IBANs,
in Persian, Arabic and Latin digits. Numbers with a checksum count only if it is right, so that years, prices and
order numbers stay. Names of people are not found: no pattern tells them from other words.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Literal

import regex

PersonalKind = Literal["mail", "profile", "handle", "iban", "card", "phone", "national_id"]

PLACEHOLDERS: dict[PersonalKind, str] = {
    "mail": "@mail",
    "profile": "@profile",
    "handle": "@user",
    "iban": "@iban",
    "card": "@card",
    "phone": "@phone",
    "national_id": "@national_id",
}
"""What stands in place of each kind. Written like @names, they are one token for hazm and for the metrics, no cleaning
rule touches them, and rewriters carry them over byte for byte."""

_PLAIN = str.maketrans("۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩０１２３４５６７８９＋＠", "0123456789" * 3 + "+@")
_SOFT_GAP = r"[\s_\-\u00ad\u0640\u200b-\u200f\u2010-\u2015\u2060]{0,3}"
_GAP = r"[\s_\-\u00ad\u0640\u200b-\u200f\u2010-\u2015\u2060./()]{0,3}"
"""What may stand between the digits of a number: white space, dashes, kashida, marks without width."""
_START, _END = r"(?<![\d,٬٫])(?<!\d[.\-/])", r"(?![\d٬٫]|[.,\-/]\d)"
"""The number is whole: no digit goes before or follows, not behind a thousands separator or a decimal point either."""
_BEFORE_PHONE = r"(?<![\d+٬٫])(?<!\d\.)(?:(?<!\d[,\-/])|(?<=\d{4}[,\-/])(?=\+|0\d\d|98))"
_BEHIND_PHONE = r"(?![\d٬٫]|\.\d|[,\-/](?!0|98)\d)"
"""The same, but for two telephone numbers side by side. The month of a date is none: it has two digits."""
_COUNTED = r"(?!\s*(?:تومان|تومن|ریال|دلار|یورو|میلیون|میلیارد|هزار|نفر|متر|کیلو))"
_SITES = (
    r"(?:t\.me|telegram\.(?:me|dog)|wa\.me|eitaa\.com|ble\.ir|rubika\.ir|instagram\.com|threads\.(?:net|com)|"
    r"twitter\.com|x\.com|facebook\.com|linkedin\.com/in|youtube\.com)"
)
_PREFIX = r"(?:https?://)?(?:(?:www|m|mobile|web|[a-z]{2}(?:-[a-z]{2})?)\.)?"
_PATTERNS: dict[PersonalKind, str] = {
    "mail": r"(?<![\w.+@-])@*+(?:[\w.+-]++@){1,4}(?:[\w-]+\.)+(?:[A-Za-z]{2,}|ایران)(?:@[\w.-]*\w){0,4}",
    "profile": rf"(?<![\w.-]){_PREFIX}{_SITES}/[@+]?[\w.-]*\w(?:[/?#][^\s<>«»]*[^\s<>«».,:;!?)\]}}،؛؟])?"
    r"|(?<!\w)tg://resolve\?[^\s<>«»]*\w",
    "handle": r"(?<![A-Za-z@])(?!(?<=[\d/])@\d)(?:@++[\w.]*\w(?:-[A-Za-z\d_]+)*)+",
    "iban": rf"(?<![A-Za-z\d])IR{_GAP}\d{{2}}(?:{_GAP}\d){{22}}(?!\d)",
    "card": rf"{_START}\d{{4}}(?:{_GAP}\d{{4}}){{3}}{_END}",
    "phone": rf"{_BEFORE_PHONE}(?:(?:(?:\+|00){_GAP}98{_GAP}(?:\(?0\)?)?{_GAP}|\(?0)"
    rf"(?:9(?:{_GAP}\d){{9}}|[1-8]{_GAP}\d{_GAP}[2-9](?:{_GAP}\d){{7}}){_BEHIND_PHONE}"
    rf"|98{_SOFT_GAP}9[0-49](?:{_SOFT_GAP}\d){{8}}{_BEHIND_PHONE}{_COUNTED})",
    "national_id": rf"{_START}(?:\d{{10}}|\d{{3}}[ -]\d{{6}}[ -]\d){_END}{_COUNTED}",
}
_COMPILED = {kind: regex.compile(pattern, regex.IGNORECASE) for kind, pattern in _PATTERNS.items()}
# A cheap look that spares most texts the expressions.
_HINT = regex.compile(r"[@＠]|\w\.\w+/|tg://|\d(?:\D{0,3}\d){9}", regex.IGNORECASE)
_GLUED = regex.compile(r"(?:[.@]*|-)\w")
"""What a placeholder would grow together with, were it to follow at once."""
_ROUND = "00000"
"""How a price ends, and hardly ever a national code."""


@dataclass(frozen=True, slots=True)
class Personal:
    """One piece of personal data: its kind, its first character, and the one behind its last."""

    kind: PersonalKind
    start: int
    end: int


def find_personal(text: str) -> list[Personal]:
    """Return the pieces of personal data in a text, in order and apart; placeholders are none."""
    if not _HINT.search(text):
        return []
    # The same length, so that places in it are places in the text.
    plain = text.translate(_PLAIN)
    taken = bytearray(len(text))
    found: list[Personal] = []
    for kind, pattern in _COMPILED.items():
        for match in pattern.finditer(plain):
            start, end = match.span()
            if 1 not in taken[start:end] and (kind not in _CHECKS or _CHECKS[kind](match.group())):
                taken[start:end] = b"\x01" * (end - start)
                found.append(Personal(kind, start, end))
    found = [each for each in found if text[each.start : each.end] not in PLACEHOLDERS.values()]
    return sorted(found, key=lambda each: each.start)


def mask_personal(text: str) -> tuple[str, Counter[str]]:
    """Return a text with a placeholder for each piece of personal data, and how many there were of each kind.

    Masking a masked text changes nothing.
    """
    found = find_personal(text)
    parts, place = [], 0
    for each in found:
        # one that is glued to a word would be no token of its own
        before = " " if text[place : each.start][-1:].isalnum() else ""
        after = " " if _GLUED.match(text, each.end) else ""
        parts += [text[place : each.start], before, PLACEHOLDERS[each.kind], after]
        place = each.end
    return "".join([*parts, text[place:]]), Counter(each.kind for each in found)


def mask_values(value: Any) -> tuple[Any, Counter[str]]:
    """Return a JSON value with all the texts in it masked, also in lists and objects and their keys, and the counts.

    Keys that the mask makes the same are numbered.
    """
    if isinstance(value, str):
        return mask_personal(value)
    if isinstance(value, dict):
        (keys, values), counts = mask_values([list(value), list(value.values())])
        return dict(zip(_numbered(keys), values, strict=True)), counts
    if isinstance(value, list | tuple):
        pairs = [mask_values(item) for item in value]
        return [item for item, _ in pairs], sum((counts for _, counts in pairs), Counter())
    return value, Counter()


def _numbered(keys: Sequence[str]) -> list[str]:
    """Return keys with a number behind each that stood there before, so that no entry takes another's place."""
    taken: dict[str, None] = {}
    for key in keys:
        free = (name for number in count(1) if (name := key if number == 1 else f"{key} {number}") not in taken)
        taken[next(free)] = None
    return list(taken)


def is_national_code(digits: str) -> bool:
    """Tell whether ten digits are an Iranian national code: the last one checks the others, modulo 11."""
    if len(set(digits)) == 1 or digits.endswith(_ROUND):
        return False
    rest = sum(int(digit) * (10 - place) for place, digit in enumerate(digits[:9])) % 11
    return int(digits[9]) == (rest if rest < 2 else 11 - rest)


def is_card_number(digits: str) -> bool:
    """Tell whether sixteen digits are a card number (Luhn's checksum, ISO/IEC 7812-1)."""
    if len(set(digits)) == 1 or digits.startswith("0"):
        return False
    doubled = (int(digit) * 2 for digit in digits[-2::-2])
    return (sum(number - 9 if number > 9 else number for number in doubled) + sum(map(int, digits[-1::-2]))) % 10 == 0


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))


_CHECKS: dict[PersonalKind, Callable[[str], bool]] = {
    "card": lambda found: is_card_number(_digits(found)),
    "national_id": lambda found: is_national_code(_digits(found)),
}
