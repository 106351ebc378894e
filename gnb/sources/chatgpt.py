"""The `chatgpt` source: labelled blocks of text, as people copy them from a conversation with a chat model."""

import re
from collections.abc import Generator, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import ClassVar, NamedTuple

from gnb.core.components import Source
from gnb.core.errors import InputError
from gnb.core.lines import Line, is_blank, read_lines
from gnb.core.options import Options
from gnb.core.records import Example, Problem, Report
from gnb.core.text import comparison_key
from gnb.sources.files import UserPath, find_files

PATTERNS = ("Bias*.txt", "NoBias*.txt")
_SEPARATOR = re.compile(r":\s")
_BIASED_FORM = "expected a line 'label: biased text', then its neutral form as 'label: text', then a blank line"
_UNBIASED_FORM = "expected one line 'label: text', then a blank line"


class ChatGptOptions(Options):
    """Options of the `chatgpt` source."""

    path: UserPath
    """The folder with the Bias*.txt and NoBias*.txt files."""


class ChatGptSource(Source):
    """Folders of Bias*.txt and NoBias*.txt files: blocks of `label: text` lines, separated by blank lines.

    A block of a Bias file is a biased text and then its neutral form; further lines are further neutral forms. A block
    of a NoBias file is one line, and the text is its own reference. Only the first colon with a space after it
    separates, so that a text may hold colons, times and links. White space around a text belongs to the format;
    everything within stays as the author wrote it.
    """

    options_model: ClassVar[type[Options]] = ChatGptOptions
    argument: ClassVar[str | None] = "path"
    options: ChatGptOptions

    def read(self, report: Report) -> Iterator[Example]:
        """Yield the examples file by file, block by block; malformed blocks and empty files are reported.

        Raises:
            InputError: if there is no such folder, no matching file, no block in any of them, or a file is not UTF-8.
        """
        blocks = 0
        for path in find_files(self.options.path, PATTERNS):
            blocks += yield from _read_file(path, report)
        if blocks == 0:
            raise InputError(f"{self.options.path}: all files that match {' or '.join(PATTERNS)} are empty.")


class _Piece(NamedTuple):
    """A line of a block, taken apart."""

    line: int
    label: str
    text: str


class _MalformedError(Exception):
    """A block that does not follow the form: the line, and what was found there."""

    def __init__(self, line: int, found: str) -> None:
        super().__init__(found)
        self.line = line


def _read_file(path: Path, report: Report) -> Generator[Example, None, int]:
    """Yield the examples of one file and return the number of its blocks, malformed ones included."""
    biased = not path.name.startswith("No")
    form = _BIASED_FORM if biased else _UNBIASED_FORM
    number, neutral_label = 0, ""
    for number, block in enumerate(_blocks(path), start=1):
        try:
            pieces = [_split(line) for line in block]
            if biased:
                _check_biased(pieces, neutral_label)
                neutral_label = neutral_label or pieces[1].label
            elif len(pieces) > 1:
                raise _MalformedError(pieces[1].line, "a second line in the block")
        except _MalformedError as fault:
            report(Problem(f"{path}:{fault.line}", f"{fault}; {form}"))
            continue
        yield _example(path.name, number, pieces, biased=biased)
    if number == 0:
        report(Problem(f"{path}:1", f"the file is empty; {form}"))
    return number


def _blocks(path: Path) -> Iterator[list[Line]]:
    for blank, lines in groupby(read_lines(path), key=lambda line: is_blank(line.text)):
        if not blank:
            yield list(lines)


def _split(line: Line) -> _Piece:
    # The line end comes back so that a label alone, "label:", is seen as one without a text.
    label, *rest = _SEPARATOR.split(line.text.lstrip() + "\n", maxsplit=1)
    if not rest or is_blank(label):
        raise _MalformedError(line.number, f"no label with a colon and a space in {line.text.strip()[:40]!r}")
    if is_blank(rest[0]):
        raise _MalformedError(line.number, f"no text after the label {label!r}")
    return _Piece(line.number, label, rest[0].strip())


def _check_biased(pieces: Sequence[_Piece], neutral_label: str) -> None:
    """Check a block of a Bias file; `neutral_label` names the neutral form in the file's first good block."""
    first, *neutral = pieces
    if comparison_key(first.label) == comparison_key(neutral_label):
        raise _MalformedError(first.line, f"a neutral form first, going by its label {first.label!r}")
    if not neutral:
        raise _MalformedError(first.line, "a text without a neutral form")
    for piece in neutral:
        if comparison_key(piece.label) == comparison_key(first.label):
            raise _MalformedError(piece.line, f"the label {first.label!r} twice in the block")
        if _label_kind(piece) != _label_kind(neutral[0]):
            raise _MalformedError(piece.line, f"the label {piece.label!r} after {neutral[0].label!r}")
        if comparison_key(piece.text) == comparison_key(first.text):
            raise _MalformedError(piece.line, "a neutral form that is the biased text itself")


def _label_kind(piece: _Piece) -> str:
    """Return the label without numbers: the neutral forms of one text may be counted."""
    return re.sub(r"\d", "", comparison_key(piece.label))


def _example(file: str, number: int, pieces: Sequence[_Piece], *, biased: bool) -> Example:
    origin = f"{file}:{number}"
    references = tuple(piece.text for piece in (pieces[1:] if biased else pieces))
    return Example(
        id=origin,
        text=pieces[0].text,
        references=references,
        biased=biased,
        category=None if biased else "none",
        origin=origin,
        metadata={"file": file, "block": number, "line": pieces[0].line},
    )
