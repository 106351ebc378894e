"""`gnb detect`: which texts are biased, how surely, in which category, and by which words, line by line."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from gnb.cli.shared import settings_options
from gnb.cli.texts import texts_argument

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gnb.core.settings import Settings
    from gnb.detecting import Finding

    Show = Callable[[Finding], None]

_LABEL_WIDTH = len("100% relationship")
"""Cells of probability and category: those of the guideline's longest one."""


@click.command()
@texts_argument
@click.option("--rewriter", "-r", "name", default="lora", show_default=True, help="The rewriter with the detector.")
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1),
    help="Probability from which a text is biased.  [the rewriter's, or 0.55]",
)
@click.option(
    "--words/--no-words", default=True, help="Look for the words that carry the bias (default), or not: faster."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@settings_options
def detect(
    settings: Settings,
    batches: Iterator[list[str]],
    name: str,
    threshold: float | None,
    words: bool,
    as_json: bool,
) -> None:
    """Say which lines of TEXT, of files, or of standard input are biased, and by which words.

    Shown are the probability of bias, its category or "none", and the text with the words marked. In a pipe, these are
    columns with tabs between them: probability, category, words, text. Lines come out in order, each as soon as it is
    there. The exit code is 0 whether or not a text is biased.
    """
    from gnb.detecting import findings

    show: Show = _show_json if as_json else _show_marked() if sys.stdout.isatty() else _show_columns
    for finding in findings(settings, name, batches, threshold=threshold, words=words):
        show(finding)


def _show_marked() -> Show:
    from gnb.cli.panels import Panels
    from gnb.core.layout import highlighted, printable

    panels = Panels(_LABEL_WIDTH)

    def show(finding: Finding) -> None:
        spans = [(words.start, words.end) for words in finding.words]
        label = f"{finding.probability:4.0%} {printable(_category(finding))}"
        panels.print(highlighted(finding.text, spans), label)

    return show


def _show_columns(finding: Finding) -> None:
    from gnb.core.layout import printable

    words = " | ".join(words.text for words in finding.words)
    columns = (f"{finding.probability:.4f}", _category(finding), words, finding.text)
    click.echo("\t".join(printable(column) for column in columns))


def _show_json(finding: Finding) -> None:
    import json
    from dataclasses import asdict

    click.echo(json.dumps(asdict(finding), ensure_ascii=False))


def _category(finding: Finding) -> str:
    """Return the category: "biased" where a detector knows no better, "none" for a text that is not."""
    return finding.category or "biased" if finding.biased else "none"
