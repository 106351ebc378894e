"""Characters outside the guideline: what a careful rule would clean away, and digits of two scripts in one text."""

from collections.abc import Iterator, Sequence

import regex

from gnb.auditing.findings import Finding, Item, Severity, found, item_of
from gnb.core.atoms import hide_atoms
from gnb.core.cleaning import Cleaner, CleaningOptions
from gnb.core.records import Example

_RULES: dict[str, tuple[Severity, str]] = {
    "control": ("error", "texts or references with control characters"),
    "invisible": ("warning", "texts or references with direction marks or other invisible characters"),
    "letters": ("warning", "texts or references with Arabic letters ي, ى or ك"),
    "kashida": ("warning", "texts or references with the stroke ـ (tatweel)"),
    "half_spaces": ("warning", "texts or references with half-spaces at the edge of a word, or doubled"),
    "verbs": ("note", "formal texts or references that lack the half-space of می or نمی"),
    "affixes": ("note", "formal texts or references that lack the half-space of an ending"),
}
"""The rules of `gnb prepare` whose work is a finding. Informal texts may lack half-spaces (guideline, section 4)."""
_FORMAL_ONLY = ("verbs", "affixes")
_DIGITS = [regex.compile(pattern) for pattern in ("[0-9]", "[٠-٩]", "[۰-۹]")]


def check_characters(examples: Sequence[Example]) -> Iterator[Finding]:
    """Look at every character of texts and references, links, @names and the like aside."""
    cleaner = Cleaner(CleaningOptions.named("none", dict.fromkeys(_RULES, True)))
    items: dict[str, list[Item]] = {rule: [] for rule in (*_RULES, "digits")}
    for example in examples:
        for text in dict.fromkeys((example.text, *example.references)):
            for step in cleaner.steps(text):
                if not (step.rule in _FORMAL_ONLY and is_informal(example)):
                    items[step.rule].append(item_of(example, "", text))
            if has_mixed_digits(text):
                items["digits"].append(item_of(example, "", text))
    for rule, (severity, title) in _RULES.items():
        yield from found(f"characters-{rule.replace('_', '-')}", severity, title, items[rule])
    title = "texts or references that mix Persian digits with others"
    yield from found("characters-digits", "note", title, items["digits"])


def is_informal(example: Example) -> bool:
    """Tell whether a text may be spelt as people do in social media."""
    return example.metadata.get("register") == "informal" or example.category == "tweet"


def has_mixed_digits(text: str) -> bool:
    """Tell whether digits of two scripts stand in a text, outside links, @names and the like."""
    plain = hide_atoms(text)[0]
    return sum(pattern.search(plain) is not None for pattern in _DIGITS) > 1
