"""Texts beside their labels, right-to-left ones laid out readably, some words marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.text import Text

    from gnb.core.layout import Piece

_STYLES = {"deleted": "red strike", "inserted": "bold green", "found": "bold red"}
_GAP = 2
"""Cells between label and text."""


class Panels:
    """Prints texts: wrapped, at the right edge and coloured on a terminal, one a line and plain in a pipe.

    Args:
        label_width: cells that the labels take, 0 for none.
    """

    def __init__(self, label_width: int = 0) -> None:
        from rich.console import Console

        self._console = Console(highlight=False)
        self._indent = label_width + _GAP if label_width else 0

    def show(self, heading: str, lines: Iterable[tuple[str, Sequence[Piece]]]) -> None:
        """Print a heading, labelled texts and an empty line."""
        click.secho(heading, bold=True)
        for label, pieces in lines:
            self.print(pieces, label)
        click.echo()

    def print(self, pieces: Sequence[Piece], label: str = "") -> None:
        """Print one text, beside its label if it has one."""
        from rich.text import Text

        from gnb.core.layout import with_marks

        if not self._console.is_terminal:
            click.echo(f"{label:<{self._indent}}{with_marks(pieces)}")
            return
        for line in self._wrapped(pieces):
            self._console.print(Text.assemble((f"{label:<{self._indent}}", "dim"), line), soft_wrap=True)
            label = ""

    def _wrapped(self, pieces: Sequence[Piece]) -> Iterator[Text]:
        from rich.text import Text

        from gnb.core.layout import edges, is_right_to_left, with_marks

        text = Text(with_marks(pieces))
        if self._console.color_system:
            text = Text.assemble(*((piece.text, _STYLES.get(piece.kind, "")) for piece in pieces))
        width = max(self._console.width - self._indent, 20)
        rightwards = is_right_to_left(text.plain)
        for line in text.wrap(self._console, width):
            line.rstrip()
            before, behind = edges(line.cell_len, width) if rightwards else ("", "")
            yield Text.assemble(before, line, behind)
