"""Label-noise candidates: references that contradict the label, are missing, or are much shorter or longer."""

from collections.abc import Iterator, Sequence

from gnb.auditing.findings import Finding, found, item_of
from gnb.auditing.sizes import words_in
from gnb.core.lines import is_blank
from gnb.core.records import Example
from gnb.core.text import comparison_key

LENGTHS = (0.6, 1.6)
"""The guideline's range of a neutral form's length, as a share of the text's (section 3, rule 8)."""


def check_labels(examples: Sequence[Example]) -> Iterator[Finding]:
    """Compare each text with its label and references."""
    biased = [example for example in examples if example.biased is True]
    unbiased = [example for example in examples if example.biased is False]
    same = [item_of(each) for each in biased if any(_agree(each.text, text) for text in each.references)]
    yield from found("reference-same", "error", "biased texts with a reference that is the text itself", same)
    other = [
        item_of(each, "", text) for each in unbiased for text in each.references[:1] if not _agree(each.text, text)
    ]
    yield from found("reference-differs", "error", "unbiased texts with a reference that is another text", other)
    empty = [item_of(each) for each in examples if any(map(is_blank, each.references))]
    yield from found("reference-empty", "error", "texts with an empty reference", empty)
    missing = [item_of(each) for each in biased if not each.references]
    yield from found("reference-missing", "warning", "biased texts without a reference", missing)
    lengths = [
        item_of(each, f"{ratio:.2f} of {words_in(each.text)} words", text)
        for each in biased
        for text in each.references
        if not LENGTHS[0] <= (ratio := words_in(text) / max(words_in(each.text), 1)) <= LENGTHS[1]
        and not is_blank(text)
    ]
    title = f"references shorter than {LENGTHS[0]} or longer than {LENGTHS[1]} of their text"
    yield from found("reference-length", "warning", title, lengths)


def _agree(text: str, reference: str) -> bool:
    return comparison_key(text) == comparison_key(reference)
