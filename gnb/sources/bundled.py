"""The `bundled` source: the corpus that ships with gnb. Its data card is `gnb/data/corpus/README.md`."""

import json
from collections.abc import Iterator
from importlib import resources
from typing import Any, ClassVar

from pydantic import Field

from gnb.core.components import Source
from gnb.core.options import Options
from gnb.core.records import Example, Report

PARTS = tuple("abcdefgijk")
"""The parts that are split into training, validation and test texts; the card describes each."""
TRAINING_PARTS = tuple("lmnopqrstuvwxyz0123456789ABCDEFGHIJKL")
"""The parts that are for training only, so that the other splits stay what they were before these were written."""

_ALL = (*PARTS, *TRAINING_PARTS)


class BundledOptions(Options):
    """Options of the `bundled` source."""

    parts: str = Field("".join(_ALL), pattern=f"^[{''.join(_ALL)}]+$")
    """Letters and digits of the parts to read."""


class BundledSource(Source):
    """The corpus that ships with gnb: 68,474 Persian texts with category, register, references and contrast pairs.

    Ids such as "a-017" name part and line and never change.
    """

    options_model: ClassVar[type[Options]] = BundledOptions
    argument: ClassVar[str | None] = "parts"
    options: BundledOptions

    def read(self, report: Report) -> Iterator[Example]:
        """Yield the items part by part. Nothing is ever reported: the tests check the corpus as it is shipped."""
        folder = resources.files("gnb") / "data" / "corpus"
        for part in sorted(set(self.options.parts), key=_ALL.index):
            name = _file_name(part)
            with (folder / name).open(encoding="utf-8") as file:
                for number, line in enumerate(file, start=1):
                    yield _example(part, f"{name}:{number}", number, json.loads(line))


def _file_name(part: str) -> str:
    """Return the name of a part's file; some file systems take "a" and "A" for one."""
    return f"{part.lower()}2.jsonl" if part.isupper() else f"{part}.jsonl"


def _example(part: str, origin: str, number: int, item: dict[str, Any]) -> Example:
    return Example(
        id=f"{part}-{number:03d}",
        text=item["text"],
        references=tuple(item["neutral"]),
        biased=item["category"] != "none",
        category=item["category"],
        split="train" if part in TRAINING_PARTS else None,
        origin=origin,
        metadata={key: item[key] for key in ("register", "pair") if key in item},
    )
