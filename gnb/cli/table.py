"""The matrix on a terminal or in a pipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from gnb.core.matrix import Matrix

PIPE_WIDTH = 100_000
"""Cells of a line that goes to a pipe or a file: nothing is ever wrapped there."""


def show_matrix(matrix: Matrix) -> None:
    """Print the table with its notes; a terminal too narrow for it gets the metrics as rows instead."""
    from rich.console import Console

    from gnb.core.report import notes_of

    terminal = Console().is_terminal
    console = Console(highlight=False, markup=False, emoji=False, width=None if terminal else PIPE_WIDTH)
    grid = _grid(matrix)
    if terminal and _width(console, _table(grid)) > console.width:
        grid = [list(line) for line in zip(*grid, strict=True)]
    for part in _parts(console, grid):
        _print(console, _table(part))
    click.echo()
    for line in notes_of(matrix):
        console.print(line, soft_wrap=not terminal)


def _grid(matrix: Matrix) -> list[list[Text]]:
    """Return the table's cells, line by line, headings included."""
    from rich.text import Text

    from gnb.core.report import BEST, cell_text, columns_of, headings_of

    grid = [[Text("rewriter"), *(Text(heading, style="bold") for heading in headings_of(matrix))]]
    for row in matrix.rows:
        cells = [cell_text(matrix, row, *pair) for pair in columns_of(matrix)]
        shown = [Text(text + BEST, style="bold green") if best else Text(text + " ") for text, best in cells]
        grid.append([Text(row.label, style="bold"), *shown])
    return grid


def _table(grid: list[list[Text]]) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 1))
    for place in range(len(grid[0])):
        table.add_column(justify="right" if place else "left", no_wrap=True)
    for line in grid:
        table.add_row(*line)
    return table


def _parts(console: Console, grid: list[list[Text]]) -> list[list[list[Text]]]:
    """Cut a table that is too wide into tables that are not; each repeats the first column."""
    parts, start = [], 1
    while start < len(grid[0]):
        end = len(grid[0])
        while end > start + 1 and _width(console, _table(_columns(grid, start, end))) > console.width:
            end -= 1
        parts.append(_columns(grid, start, end))
        start = end
    return parts or [grid]


def _columns(grid: list[list[Text]], start: int, end: int) -> list[list[Text]]:
    return [[line[0], *line[start:end]] for line in grid]


def _width(console: Console, table: Table) -> int:
    wide = console.options.update(width=PIPE_WIDTH)
    return console.measure(table, options=wide).maximum


def _print(console: Console, table: Table) -> None:
    """Print a table without the spaces that fill up its last column."""
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        click.echo(line.rstrip(), color=True)
