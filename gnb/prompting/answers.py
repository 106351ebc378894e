"""What a chat model answered: the neutral form, or why there is none.

Nothing that the text holds itself is taken for a wrapper, a label or a refusal. Raise `VERSION` whenever an answer
would be read differently, so that stored outputs are made anew.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from gnb.core.atoms import restore_atoms
from gnb.core.text import fold
from gnb.models.prompt import MARKER
from gnb.prompting.chat import ANSWER_KEY

VERSION = 3
Outcome = Literal["answered", "refused", "empty", "truncated", "malformed"]
"""answered; refused to answer; said nothing; ran out of tokens; answered something that is no neutral form."""
REASONS: Mapping[Outcome, str] = {
    "refused": "the model refused",
    "empty": "empty answer",
    "truncated": "the answer is too long",
    "malformed": "the answer is no neutral form",
}
"""Why there is no neutral form, in words."""

_THOUGHT = re.compile(r"\s*<think>.*?</think>", re.DOTALL)
_FENCE = re.compile(r"```[\w-]*\s*\n(.*?)\n?\s*```", re.DOTALL)
_OBJECT = re.compile(r'\{\s*"')
_LABEL = re.compile(
    rf"(?:{MARKER.rstrip(':')}|(?:متن|شکل|نسخهٔ?|صورت|جملهٔ?)\s(?:خنثی|خنثای متن|خنثی‌شده|بازنویسی‌شده)"
    r"|خنثی|پاسخ|خروجی|بازنویسی|neutral(?: (?:text|form|version))?|answer|output)\s*:\s*",
    re.IGNORECASE,
)
_QUOTES = {"«": "»", "“": "”", '"': '"', "'": "'", "`": "`"}
_REFUSAL = re.compile(
    r"(?:با عرض پوزش|متاسفم|متاسفانه|شرمنده|ببخشید|عذر می ?خواهم|پوزش می ?خواهم)?\W*(?:اما|ولی|ولیکن)?\W*(?:من\W+)?"
    r"(?:(?:نمی ?توانم|نمی ?تونم|قادر (?:به \w+ )?نیستم|مجاز نیستم)"
    r"|به ?عنوان (?:یک )?(?:مدل|هوش مصنوعی|دستیار))"
    r"|(?:متاسفم|با عرض پوزش)\b"
    r"|i(?:'m| am) (?:sorry|unable|not able)|sorry\b|i (?:cannot|can't|can not|won't)|as an ai\b"
)
"""A refusal's beginning, in folded spelling with half-spaces as spaces or as nothing."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How an answer came out, and the neutral form; empty unless it was answered."""

    outcome: Outcome
    text: str = ""


def read_answer(raw: str, text: str) -> Answer:
    """Read what a model said to a text: a JSON object, bare, fenced or in prose, or the neutral form alone.

    Args:
        raw: all it said.
        text: what it was asked about.
    """
    body = text.strip()
    said = raw if _THOUGHT.match(text) else _THOUGHT.sub("", raw, count=1)
    found = _from_json(said.strip(), body)
    if found is None or (found == said.strip() and _is_chatter(found, body) and not is_refusal(found, body)):
        return Answer("malformed")
    neutral = _unwrapped(found.strip(), body)
    if is_refusal(neutral, body):
        return Answer("refused")
    return Answer("answered", restore_atoms(neutral, body)) if neutral else Answer("empty")


def is_refusal(said: str, text: str) -> bool:
    """Tell whether an answer declines, as models do in Persian and English, and the text says no such thing itself."""
    return bool(_REFUSAL.match(_plain(said))) and not _REFUSAL.search(_plain(text))


def _plain(text: str) -> str:
    return fold(text.replace("\u200c", " ").replace("’", "'")).lstrip("«\"'“ ")


def _from_json(said: str, text: str) -> str | None:
    """Return the text in an answer's JSON object, the answer itself if it has none, None if the object is broken."""
    fenced = _FENCE.search(said)
    inner = fenced[1].strip() if fenced and "```" not in text else said
    start = _OBJECT.search(inner)
    if not start or (text in said and _OBJECT.search(text)):
        return said if inner is said else inner
    try:
        value, _ = json.JSONDecoder(strict=False).raw_decode(inner, start.start())
    except (ValueError, RecursionError):
        return None
    neutral = value.get(ANSWER_KEY)
    return neutral if isinstance(neutral, str) else None


def _is_chatter(said: str, text: str) -> bool:
    """Tell whether a plain answer has lines that the text has not: an introduction, an explanation."""
    count = len([line for line in said.splitlines() if line.strip()])
    return count > max(1, len([line for line in text.splitlines() if line.strip()])) + bool(_LABEL.match(said))


def _unwrapped(said: str, text: str) -> str:
    """Take off a label and quotation marks that the text does not have."""
    if not _LABEL.match(text):
        said = _LABEL.sub("", said, count=1) if _LABEL.match(said) else said
    for opening, closing in _QUOTES.items():
        inner = said[1:-1]
        is_quoted = len(said) > 2 and said[0] == opening and said[-1] == closing
        # «الف» و «ب» is quoted twice inside, not once as a whole
        if is_quoted and text[:1] != opening and not {opening, closing} & set(inner):
            return inner.strip()
    return said
