"""The texts that a command takes: arguments, lines of files, or lines of standard input."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gnb.cli.shared import note

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader

    from gnb.cli.shared import Command

_STANDARD_INPUT = Path("-")


def texts_argument(command: Command) -> Command:
    """Add TEXT and --file; the command gets the `batches` of lines that they name, else those of standard input."""

    @click.argument("texts", nargs=-1, metavar="[TEXT]...")
    @click.option(
        "--file",
        "-f",
        "files",
        multiple=True,
        type=click.Path(path_type=Path, allow_dash=True),
        help="Take the lines of a file, - for standard input; again for more.",
    )
    @wraps(command)
    def with_batches(texts: tuple[str, ...], files: tuple[Path, ...], **values: Any) -> Any:
        with ExitStack() as opened:
            return command(batches=_batches(texts, files, opened), **values)

    return with_batches


def _batches(texts: tuple[str, ...], files: tuple[Path, ...], opened: ExitStack) -> Iterator[list[str]]:
    """Yield lists of lines: from the arguments and files, else from standard input as they arrive there."""
    import io
    import os

    from gnb.core.streams import arriving_lines
    from gnb.sources.decoding import file_lines

    for text in texts:
        if os.path.isfile(text):  # unlike Path.is_file, it takes texts that are too long for a name
            note(f"{text} is taken as a text, but there is a file of that name. For its lines: --file {text}")
    if texts:
        yield from arriving_lines(io.BytesIO(os.fsencode("\n".join([*texts, ""]))), "TEXT")
    for path in files if texts or files else (_STANDARD_INPUT,):
        if path != _STANDARD_INPUT:
            yield from file_lines(opened.enter_context(_open(path)), str(path))
            continue
        if sys.stdin.isatty():
            note("Type a text and press Enter; Ctrl-D ends.")
        stdin = opened.enter_context(os.fdopen(sys.stdin.fileno(), "rb", closefd=False))
        yield from arriving_lines(stdin, "standard input")


def _open(path: Path) -> BufferedReader:
    """Open a file to read.

    Raises:
        InputError: if that cannot be done.
    """
    from gnb.core.errors import InputError

    try:
        return path.open("rb")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from None
