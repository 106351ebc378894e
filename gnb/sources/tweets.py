"""The `tweets` source: texts and their neutral forms on alternating lines."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from gnb.core.components import Source
from gnb.core.errors import InputError
from gnb.core.lines import Line, is_blank, read_lines
from gnb.core.options import Options
from gnb.core.records import Example, Problem, Report
from gnb.core.text import comparison_key
from gnb.sources.files import UserPath


class TweetsOptions(Options):
    """Options of the `tweets` source."""

    path: UserPath
    """The file with texts and neutral forms on alternating lines."""


class TweetsSource(Source):
    """A file of texts and neutral forms on alternating lines.

    A text is biased if its neutral form differs in more than spelling, such as a half-space or an Arabic letter. Blank
    lines may stand between pairs. One inside a pair ends it, so that a missing line shifts nothing after it. White
    space around a text belongs to the format; everything within stays as the author wrote it.
    """

    options_model: ClassVar[type[Options]] = TweetsOptions
    argument: ClassVar[str | None] = "path"
    options: TweetsOptions

    def read(self, report: Report) -> Iterator[Example]:
        """Yield the examples pair by pair; a text without a neutral form is reported.

        Raises:
            InputError: if the file cannot be read, holds no text or is not UTF-8.
        """
        path = self.options.path
        first: Line | None = None
        empty = True
        for line in read_lines(path):
            blank = is_blank(line.text)
            empty = empty and blank
            if first is None:
                first = None if blank else line
                continue
            if blank:
                report(_unpaired(path, first))
            else:
                yield _example(path.name, first, line)
            first = None
        if first is not None:
            report(_unpaired(path, first))
        if empty:
            raise InputError(f"{path}: the file is empty; expected texts and neutral forms on alternating lines.")


def _unpaired(path: Path, first: Line) -> Problem:
    found = f"a text without a neutral form, {first.text.strip()[:40]!r}"
    return Problem(f"{path}:{first.number}", f"{found}; expected the neutral form on the next line")


def _example(file: str, first: Line, neutral: Line) -> Example:
    written, rewritten = first.text.strip(), neutral.text.strip()
    biased = comparison_key(written) != comparison_key(rewritten)
    origin = f"{file}:{first.number}"
    return Example(
        id=origin,
        text=written,
        references=(rewritten if biased else written,),
        biased=biased,
        category="tweet" if biased else "none",
        origin=origin,
        metadata={"file": file, "line": first.number},
    )
