"""The `prepared` source: a folder that `gnb prepare` wrote."""

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

from gnb.core.components import Source
from gnb.core.errors import InputError
from gnb.core.jsonl import read_examples
from gnb.core.options import Options
from gnb.core.records import SPLITS, Example, Report
from gnb.sources.files import UserPath, find_files


class PreparedOptions(Options):
    """Options of the `prepared` source."""

    path: UserPath
    """The folder with train.jsonl, validation.jsonl and test.jsonl; one that is absent counts as empty."""


class PreparedSource(Source):
    """A prepared dataset: train.jsonl, validation.jsonl and test.jsonl, one example a line.

    The file an example lies in is its split, whatever the line says.
    """

    options_model: ClassVar[type[Options]] = PreparedOptions
    argument: ClassVar[str | None] = "path"
    options: PreparedOptions

    def read(self, report: Report) -> Iterator[Example]:
        """Yield the examples of the training, validation and test split; lines that hold none are reported.

        Raises:
            InputError: if the folder or all three files are missing, all of them are empty, or one is not UTF-8.
        """
        folder = self.options.path
        hint = " Write one with: gnb prepare SOURCE --to DIR"
        files = {path.stem: path for path in find_files(folder, [f"{split}.jsonl" for split in SPLITS], hint)}
        empty = True
        for split in SPLITS:
            if split not in files:
                continue
            for example in read_examples(files[split], report):
                empty = False
                yield replace(example, split=split)
        if empty:
            raise InputError(f"{folder}: holds no example in {', '.join(path.name for path in files.values())}.{hint}")
