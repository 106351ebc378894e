"""What a chat model says around its answers and leaves in data that it wrote: refusals, introductions, numbers."""

from collections.abc import Iterator, Sequence

import regex

from gnb.auditing.findings import Finding, Item, found, item_of
from gnb.core.records import Example
from gnb.core.text import fold

# Expressions for folded text: Arabic letters, digits and half-spaces are normal there (gnb.core.text.fold).
_COUNT = r"(?:\d+|چند|یک|دو|سه|چهار|پنج|ده|بیست|سی)"
_THINGS = r"(?:جمله|متن|نمونه|مثال|مورد|پیام|توییت|عبارت)"
_SURE = regex.compile(
    r"\bas an? (?:ai|language model)\b|\bhere (?:are|is) (?:the |your |\d)|\bi(?:'m| am) (?:sorry|unable)\b"
    r"|ب(?:ه ?)?عنوان (?:یک )?(?:مدل زبانی|هوش مصنوعی|دستیار)|(?:من )?(?:یک )?(?:مدل زبانی|هوش مصنوعی) ?(?:هستم|ام)"
    rf"|^(?:البته|حتما|بله|چشم)[!،,. ]+(?:در )?اینجا|(?:در )?اینجا {_COUNT} {_THINGS}"
    rf"|^(?:متاسفم|متاسفانه|ببخشید|عذر ?می ?خواهم|پوزش)[^.!؟]{{0,20}}نمی ?توان(?:م|یم)[^.!؟]{{0,40}}"
    r"(?:درخواست|کمک کنم|کمکتان|پاسخ ده|تولید کنم|جمله|محتوا)"
)
_LIKELY = regex.compile(
    r"^(?:متاسفم|متاسفانه|عذر ?می ?خواهم)[،, ]+(?:اما |ولی )?(?:من )?نمی ?توان(?:م|یم)"
    r"|^(?:متن|جمله|نسخه|شکل)(?: ی)? (?:خنثی|بازنویسی ?شده|اصلاح ?شده)[^:]{0,20}:|^(?:البته|حتما)!"
)
_NUMBERED = regex.compile(r"^\s*(?:\(?\d{1,3}\s?[.)\-:]\s|[-*•]\s)|^#{1,4}\s|\*\*")


def check_chatter(examples: Sequence[Example]) -> Iterator[Finding]:
    """Look through texts and references."""
    texts = [(example, text) for example in examples for text in dict.fromkeys((example.text, *example.references))]
    folded = [(example, text, fold(text)) for example, text in texts]
    sure = [item for example, text, key in folded if (item := _item(_SURE, example, text, key))]
    yield from found("chatter", "error", "texts or references in which a chat model speaks of its task", sure)
    likely = [
        item for example, text, key in folded if not _SURE.search(key) and (item := _item(_LIKELY, example, text, key))
    ]
    yield from found("chatter-likely", "warning", "texts or references that begin as a chat model's answer", likely)
    numbered = [item for example, text, key in folded if (item := _item(_NUMBERED, example, text, key))]
    yield from found("numbering", "warning", "texts or references with list numbers or Markdown", numbered)


def is_chatter(text: str) -> bool:
    """Tell whether a chat model speaks of its task in a text: one that nobody would have written as an example."""
    return _SURE.search(fold(text)) is not None


def _item(pattern: regex.Pattern[str], example: Example, text: str, key: str) -> Item | None:
    match = pattern.search(key)
    return item_of(example, match.group().strip(), text) if match else None
