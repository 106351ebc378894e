"""`gnb rewrite`: neutral versions of texts, line by line."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gnb.cli.shared import note, settings_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from gnb.core.components import Rewriter
    from gnb.core.records import Rewrite
    from gnb.core.settings import Settings

    Show = Callable[[str, Rewrite], None]

_STANDARD_INPUT = Path("-")


@click.command()
@click.argument("texts", nargs=-1, metavar="[TEXT]...")
@click.option(
    "--file",
    "-f",
    "files",
    multiple=True,
    type=click.Path(path_type=Path, allow_dash=True),
    help="Take the lines of a file, - for standard input; again for more.",
)
@click.option("--rewriter", "-r", "name", default="lora", show_default=True, help="The rewriter's name.")
@click.option("--show-changes", is_flag=True, help="Mark the changed words: [-deleted-] {+inserted+}, or colours.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@settings_options
def rewrite(
    settings: Settings,
    texts: tuple[str, ...],
    files: tuple[Path, ...],
    name: str,
    show_changes: bool,
    as_json: bool,
) -> None:
    """Print the neutral version of each line of TEXT, of files, or of standard input if neither is given.

    Lines come out in order, each as soon as it is there; an empty line stays an empty line.
    """
    rewriter = _rewriter(settings, name)
    show: Show = _show_json if as_json else _show_changes() if show_changes else _show_text
    fallbacks = 0
    with ExitStack() as opened, rewriter:
        for text, answer in _answers(rewriter, _batches(texts, files, opened)):
            show(text, answer)
            fallbacks += answer.fallback
    if fallbacks:
        note(f"{fallbacks} texts got no usable answer and were left as they are.")


def _rewriter(settings: Settings, name: str) -> Rewriter:
    from gnb.plugins.manager import installed_plugins

    registry = installed_plugins().registry
    choice = settings.choose("rewriter", name, registry)
    settings.check_overrides([choice])
    return registry.create("rewriter", choice.name, choice.values)


def _batches(texts: tuple[str, ...], files: tuple[Path, ...], opened: ExitStack) -> Iterator[list[str]]:
    """Yield lists of lines: from the arguments and files, else from standard input as they arrive there."""
    import io
    import os

    from gnb.core.streams import arriving_lines

    if texts:
        yield from arriving_lines(io.BytesIO(os.fsencode("\n".join([*texts, ""]))), "TEXT")
    for path in files if texts or files else (_STANDARD_INPUT,):
        if path != _STANDARD_INPUT:
            yield from arriving_lines(opened.enter_context(path.open("rb")), str(path))
            continue
        if sys.stdin.isatty():
            note("Type a text and press Enter; Ctrl-D ends.")
        stdin = opened.enter_context(os.fdopen(sys.stdin.fileno(), "rb", closefd=False))
        yield from arriving_lines(stdin, "standard input")


def _answers(rewriter: Rewriter, batches: Iterable[list[str]]) -> Iterator[tuple[str, Rewrite]]:
    """Rewrite batch by batch, so that nobody who types waits for an answer; blank lines reach no rewriter."""
    from gnb.core.answering import pairs
    from gnb.core.lines import is_blank
    from gnb.core.records import Rewrite

    for lines in batches:
        answers = pairs(rewriter, [line for line in lines if not is_blank(line)])
        for line in lines:
            yield (line, Rewrite("")) if is_blank(line) else next(answers)


def _show_text(text: str, answer: Rewrite) -> None:
    """Print an answer on one line; on a terminal it can do no harm, elsewhere it stays as it is."""
    from gnb.core.layout import printable

    line = " ".join(answer.text.splitlines())
    click.echo(printable(line) if sys.stdout.isatty() else line)


def _show_changes() -> Show:
    from gnb.cli.panels import Panels
    from gnb.core.layout import marked

    panels = Panels()
    return lambda text, answer: panels.print(marked(text, answer.text))


def _show_json(text: str, answer: Rewrite) -> None:
    import json
    from dataclasses import asdict

    from gnb.core.samples import is_changed

    values = {"input": text, **asdict(answer), "changed": is_changed(text, answer.text)}
    click.echo(json.dumps(values, ensure_ascii=False))
