"""A source that reads a file with a text and its neutral form on each line."""

from collections.abc import Iterator
from typing import ClassVar

from gnb.core.components import Source
from gnb.core.errors import InputError
from gnb.core.lines import is_blank, read_lines
from gnb.core.options import Options
from gnb.core.records import Example, Problem, Report
from gnb.sources.files import UserPath


class PairsOptions(Options):
    """Options of `pairs`."""

    path: UserPath
    """The file: UTF-8, a text and its neutral form a line; an unbiased text is its own neutral form."""
    separator: str = "|"
    """What stands between the two."""


class PairsSource(Source):
    """Texts with their neutral form, as `TEXT | NEUTRAL`."""

    options_model: ClassVar[type[Options]] = PairsOptions
    argument: ClassVar[str | None] = "path"
    options: PairsOptions

    def read(self, report: Report) -> Iterator[Example]:
        """Yield an example for each line that has both parts; the others are reported, blank ones passed over."""
        path, empty = self.options.path, True
        for number, line in read_lines(path):
            if is_blank(line):
                continue
            where = f"{path}:{number}"
            text, _, neutral = (part.strip() for part in line.partition(self.options.separator))
            if not (text and neutral):
                report(Problem(where, f"no neutral form; expected TEXT {self.options.separator} NEUTRAL"))
                continue
            empty = False
            yield Example(f"{path.name}:{number}", text, (neutral,), biased=text != neutral, origin=where)
        if empty:
            raise InputError(f"{path}: holds no line of the form TEXT {self.options.separator} NEUTRAL.")
