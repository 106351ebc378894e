"""`gnb rewrite`: neutral versions of texts, line by line."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import click

from gnb.cli.shared import max_cost_option, note, settings_options
from gnb.cli.texts import texts_argument

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gnb.core.components import Rewriter
    from gnb.core.records import Rewrite
    from gnb.core.settings import Settings

    Show = Callable[[str, Rewrite], None]


@click.command()
@texts_argument
@click.option("--rewriter", "-r", "name", default="lora", show_default=True, help="The rewriter's name.")
@click.option("--show-changes", is_flag=True, help="Mark the changed words: [-deleted-] {+inserted+}, or colours.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@settings_options
@max_cost_option
def rewrite(settings: Settings, batches: Iterator[list[str]], name: str, show_changes: bool, as_json: bool) -> None:
    """Print the neutral version of each line of TEXT, of files, or of standard input if neither is given.

    Lines come out in order, each as soon as it is there; an empty line stays an empty line.
    """
    from gnb.core.answering import answered
    from gnb.core.wording import counted
    from gnb.plugins.manager import installed_plugins

    fallbacks = 0
    with settings.build_rewriter(name, installed_plugins().registry) as rewriter:
        show: Show = _show_json(rewriter) if as_json else _show_changes() if show_changes else _show_text
        for text, answer in answered(rewriter, name, batches):
            show(text, answer)
            fallbacks += answer.fallback
    if fallbacks:
        left = "was left as it is" if fallbacks == 1 else "were left as they are"
        note(f"{counted(fallbacks, 'text')} got no usable answer and {left}.")


def _show_text(text: str, answer: Rewrite) -> None:
    """Print an answer on one line; on a terminal it can do no harm, elsewhere it stays as it is."""
    from gnb.core.layout import printable

    # Nothing else that Python calls the end of a line, such as \f or U+2028, ends one in a file.
    line = re.sub(r"\r\n?|\n", " ", answer.text.rstrip("\r\n"))
    # A lone surrogate, which no UTF-8 holds, becomes a question mark.
    click.echo(printable(line) if sys.stdout.isatty() else line.encode("utf-8", "replace"))


def _show_changes() -> Show:
    from gnb.cli.panels import Panels
    from gnb.core.layout import marked

    panels = Panels()
    return lambda text, answer: panels.print(marked(text, answer.text))


def _show_json(rewriter: Rewriter) -> Show:
    """Print answers as JSON, the category null below the threshold in use."""
    import json
    from dataclasses import asdict

    from gnb.core.samples import is_changed
    from gnb.detecting import threshold_of

    threshold = threshold_of(rewriter)

    def show(text: str, answer: Rewrite) -> None:
        values = {"input": text, **asdict(answer), "changed": is_changed(text, answer.text)}
        if "category" in answer.details and answer.details.get("probability", threshold) < threshold:
            values["details"] = {**answer.details, "category": None}
        click.echo(json.dumps(values, ensure_ascii=False).encode("utf-8", "backslashreplace"))  # \ud800, JSON's own

    return show
