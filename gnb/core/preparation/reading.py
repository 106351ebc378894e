"""Reads the sources of a preparation as one stream of JSON lines, and notes what each of them held."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from gnb.core.components import Source
from gnb.core.jsonl import example_to_json
from gnb.core.reading import Problems, read_source
from gnb.core.records import Example


@dataclass(slots=True)
class Input:
    """One source and what reading it found.

    Attributes:
        name: the component's name.
        source: the source.
        problems: pieces that were skipped.
        examples: how many examples were read.
        sha256: a hash of all of them, in order.
    """

    name: str
    source: Source
    problems: Problems = field(default_factory=Problems)
    examples: int = 0
    sha256: str = ""


def read_lines(inputs: Sequence[Input], *, strict: bool) -> Iterator[bytes]:
    """Yield the examples of all sources as JSON lines in UTF-8; a lone surrogate becomes a question mark.

    Ids and pairs are unique within a source only, so with several sources they are preceded by the source's number.

    Raises:
        InputError: as `read_source`.
    """
    for number, each in enumerate(inputs, start=1):
        digest = hashlib.sha256()
        each.examples = 0
        examples, each.problems = read_source(each.source, strict=strict)
        for example in examples:
            line = example_to_json(example).encode("utf-8", "replace")
            digest.update(line + b"\n")
            each.examples += 1
            yield _numbered(example, number) if len(inputs) > 1 else line
        each.sha256 = digest.hexdigest()


def _numbered(example: Example, number: int) -> bytes:
    metadata = dict(example.metadata)
    if metadata.get("pair") not in (None, ""):
        metadata["pair"] = f"{number}/{metadata['pair']}"
    renamed = replace(example, id=f"{number}/{example.id}", metadata=metadata)
    return example_to_json(renamed).encode("utf-8", "replace")
