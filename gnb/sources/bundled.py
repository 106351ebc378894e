"""The `bundled` source: the corpus that ships with gnb. Its data card is `gnb/data/corpus/README.md`."""

import json
from collections.abc import Iterator
from importlib import resources
from typing import Any

from gnb.core.components import Source
from gnb.core.records import Example, Report

PARTS = tuple("abcdefgijk")
"""The parts of the corpus, in order; the card describes each."""


class BundledSource(Source):
    """The corpus that ships with gnb: 2,869 Persian texts with category, register, references and contrast pairs.

    Ids such as "a-017" name part and line and never change.
    """

    def read(self, report: Report) -> Iterator[Example]:
        """Yield the items part by part. Nothing is ever reported: the tests check the corpus as it is shipped."""
        folder = resources.files("gnb") / "data" / "corpus"
        for part in PARTS:
            with (folder / f"{part}.jsonl").open(encoding="utf-8") as file:
                for number, line in enumerate(file, start=1):
                    yield _example(part, number, json.loads(line))


def _example(part: str, number: int, item: dict[str, Any]) -> Example:
    return Example(
        id=f"{part}-{number:03d}",
        text=item["text"],
        references=tuple(item["neutral"]),
        biased=item["category"] != "none",
        category=item["category"],
        origin=f"{part}.jsonl:{number}",
        metadata={key: item[key] for key in ("register", "pair") if key in item},
    )
