"""What an audit finds: findings of a check, and the items that each names."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from gnb.core.records import Example

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""From the worst: what makes numbers wrong, what a person should look at, what is good to know."""


@dataclass(frozen=True, slots=True)
class Item:
    """An example that a finding names.

    Attributes:
        id: of the example.
        origin: where it comes from.
        text: the text that the finding is about; a reference where it is about one.
        detail: what was found in it, in one line; may be empty.
        other: the text that it nearly agrees with; empty where the finding is about one text.
    """

    id: str
    origin: str
    text: str
    detail: str = ""
    other: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of thing that a check found.

    Attributes:
        name: lower-case words with hyphens, such as "leak".
        severity: how bad it is.
        title: what it is, one line in English, in the plural.
        items: the examples concerned, in the order of the data.
    """

    name: str
    severity: Severity
    title: str
    items: Sequence[Item]


Check = Callable[[Sequence[Example]], Iterator[Finding]]
"""Looks at all examples; yields what it found, nothing if all is well."""


def item_of(example: Example, detail: str = "", text: str | None = None, other: str = "") -> Item:
    """Return the item that names an example."""
    return Item(example.id, example.origin, example.text if text is None else text, detail, other)


def found(name: str, severity: Severity, title: str, items: Sequence[Item]) -> Iterator[Finding]:
    """Yield a finding if it has items."""
    if items:
        yield Finding(name, severity, title, items)
