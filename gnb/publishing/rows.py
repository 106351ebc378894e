"""Examples as rows of a published table: typed columns, personal data masked, and only what was asked for."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Any

from gnb.core.jsonl import example_to_json
from gnb.core.personal import find_personal, mask_personal, mask_values
from gnb.core.records import Example

if TYPE_CHECKING:
    import pyarrow as pa

METADATA = ("register", "pair")
"""The keys of the metadata that are always published; of the others, only those that the user names."""

COLUMNS = ("id", "text", "references", "biased", "category", "origin")
"""What no key of the metadata may be called: it would take the place of the column."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Masked:
    """Examples with placeholders in place of personal data, the pieces of each kind, and the examples changed."""

    examples: list[Example]
    pieces: Counter[str]
    changed: int


def mask_examples(examples: Sequence[Example]) -> Masked:
    """Mask all texts of examples, metadata too, so that what a text hides no reference shows.

    An id or a pair that holds personal data gets a name of its own, so that it stays apart from the others.
    A pair becomes a text, as in `encodable`. Pieces are counted in texts and references.
    """
    ids = _new_names(example.id for example in examples)
    pairs = _new_names(str(example.metadata.get("pair")) for example in examples)
    pieces: Counter[str] = Counter()
    masked, changed = [], 0
    for example in examples:
        (text, *references), found = mask_values([example.text, *example.references])
        pieces += found
        changed += bool(found)
        metadata = mask_values(dict(example.metadata))[0]
        if (pair := example.metadata.get("pair")) not in (None, ""):
            metadata["pair"] = pairs[str(pair)]
        masked.append(
            Example(
                id=ids[example.id],
                text=text,
                references=tuple(references),
                biased=example.biased,
                category=mask_values(example.category)[0],
                origin=mask_personal(example.origin)[0],
                split=example.split,
                metadata=metadata,
            )
        )
    return Masked(masked, pieces, changed)


def encodable(example: Example) -> Example:
    """Return an example that any file takes, as in `gnb prepare`: no lone surrogate, and the pair is a text."""
    record = json.loads(example_to_json(example).encode("utf-8", "replace"))
    if (pair := record["metadata"].pop("pair", None)) not in (None, ""):
        record["metadata"]["pair"] = str(pair)
    return Example(**{**record, "references": tuple(record["references"])})


def with_reference(example: Example) -> Example:
    """Return an example as it is published: an unbiased text without a reference is its own."""
    return (
        replace(example, references=(example.text,)) if example.biased is False and not example.references else example
    )


def count_personal(examples: Sequence[Example]) -> Counter[str]:
    """Count the pieces of personal data in texts and references, by kind."""
    texts = (text for example in examples for text in (example.text, *example.references))
    return Counter(each.kind for text in texts for each in find_personal(text))


def row_of(example: Example, keys: Sequence[str]) -> Row:
    """Return the row of an example with these keys of its metadata, as texts."""
    row: Row = {
        "id": example.id,
        "text": example.text,
        "references": list(example.references),
        "biased": example.biased,
        "category": example.category,
        "origin": example.origin,
    }
    return row | {key: _as_text(example.metadata.get(key)) for key in keys}


def schema_of(keys: Sequence[str]) -> "pa.Schema":
    """Return the types of the columns."""
    import pyarrow as pa

    text = pa.string()
    types = {"id": text, "text": text, "references": pa.list_(text), "biased": pa.bool_(), "category": text}
    return pa.schema({**types, "origin": text, **dict.fromkeys(keys, text)})


def _as_text(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _new_names(names: Iterable[str]) -> dict[str, str]:
    """Map names to themselves, those with personal data to a number: from a hash it could be found by trying all."""
    known = dict.fromkeys(names)
    free = (name for number in count(1) if (name := f"hidden-{number}") not in known)
    return {name: next(free) if find_personal(name) else name for name in known}
