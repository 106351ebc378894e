"""Examples as JSON Lines: one object a line, its keys the fields of `Example`."""

import json
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gnb.core.errors import nearest
from gnb.core.lines import is_blank, read_lines
from gnb.core.records import SPLITS, Example, Problem, Report

if TYPE_CHECKING:
    from pydantic import TypeAdapter

KEYS = tuple(field.name for field in fields(Example))


def example_to_json(example: Example) -> str:
    """Return the line of an example, without line end: keys in the order of the fields, Persian letters as they are."""
    return json.dumps({key: getattr(example, key) for key in KEYS}, ensure_ascii=False)


def example_from_json(line: str, where: str) -> Example | Problem:
    """Read one line; `id` and `text` must be there, the other keys may be left out.

    Args:
        line: the line.
        where: file and line number, for the problem.

    Returns:
        The example, or what was found and what was expected.
    """
    from pydantic import ValidationError

    try:
        example = _adapter().validate_json(line, strict=True, extra="forbid")
    except ValidationError as error:
        return Problem(where, "; ".join(_explain(dict(item)) for item in error.errors(include_url=False)))
    return Problem(where, fault) if (fault := _fault(example)) else example


def read_examples(path: Path, report: Report) -> Iterator[Example]:
    """Yield the examples of a file one by one; blank lines are passed over, lines that hold none are reported.

    Raises:
        InputError: if the file cannot be read or is not UTF-8.
    """
    for number, line in read_lines(path):
        if is_blank(line):
            continue
        example = example_from_json(line, f"{path}:{number}")
        if isinstance(example, Problem):
            report(example)
        else:
            yield example


@cache
def _adapter() -> "TypeAdapter[Example]":
    from pydantic import TypeAdapter

    return TypeAdapter(Example)


def _fault(example: Example) -> str:
    if is_blank(example.id) or is_blank(example.text):
        return "'id' or 'text' is blank; expected something to read"
    if any(is_blank(reference) for reference in example.references):
        return "a reference is blank; expected neutral forms, or an empty list"
    if example.split not in (None, *SPLITS):
        return f"'split' is {example.split!r}; expected {', '.join(SPLITS)} or null"
    return ""


def _explain(item: dict[str, Any]) -> str:
    """Say in our words what pydantic found in a line."""
    key = ".".join(str(part) for part in item["loc"])
    match item["type"]:
        case "json_invalid":
            return f"is not JSON ({item['ctx']['error']}); expected one JSON object"
        case "dataclass_type":
            return "holds no JSON object; expected one with the keys " + ", ".join(KEYS)
        case "unexpected_keyword_argument":
            return f"unknown key {key!r}.{nearest(key, KEYS)} Expected {', '.join(KEYS)}"
        case "missing":
            return f"key {key!r} is missing"
        case _:
            return f"key {key!r}: {item['msg'][0].lower()}{item['msg'][1:]}, got {item['input']!r:.60}"
