"""Personal data in texts and references; `gnb publish` masks it."""

from collections.abc import Iterator, Sequence

from gnb.auditing.findings import Finding, found, item_of
from gnb.core.personal import find_personal
from gnb.core.records import Example


def check_personal(examples: Sequence[Example]) -> Iterator[Finding]:
    """Look for handles, mail addresses, numbers of telephones, cards and accounts, and national codes."""
    items = [
        item_of(example, ", ".join(sorted({each.kind for each in kinds})), text)
        for example in examples
        for text in dict.fromkeys((example.text, *example.references))
        if (kinds := find_personal(text))
    ]
    yield from found("personal-data", "warning", "texts or references with personal data", items)
