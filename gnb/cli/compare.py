"""`gnb compare`: rewriters by metrics in one matrix."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gnb.cli.shared import (
    max_cost_option,
    note,
    note_problems,
    open_store,
    progress,
    settings_options,
    split_names,
    store_option,
)

if TYPE_CHECKING:
    from gnb.core.matrix import Matrix
    from gnb.core.plan import Plan
    from gnb.core.registry import Registry
    from gnb.core.settings import Settings


@click.command()
@click.option(
    "--rewriters", "-r", multiple=True, metavar="NAMES", help="NAME or LABEL=NAME, comma-separated.  [base,lora]"
)
@click.option("--sources", "-s", multiple=True, metavar="NAMES", help="NAME or NAME:ARGUMENT, likewise.  [bundled]")
@click.option("--metrics", "-m", multiple=True, metavar="NAMES", help="NAME or LABEL=NAME, likewise.  [all]")
@click.option("--experiment", "-e", metavar="NAME", help="Take what is not given here from gnb.toml.")
@click.option("--split", help="train, validation, test or all.  [test]")
@click.option("--limit", type=int, help="Judge at most so many texts.")
@click.option("--seed", type=int, help="Of the split and of the choice that --limit makes.  [0]")
@click.option("--no-copy", is_flag=True, help="Leave out the row of the unchanged texts.")
@click.option("--strict", is_flag=True, help="Stop at the first piece that a source cannot use.")
@click.option("--json", "form", flag_value="json", help="Print everything as JSON.")
@click.option("--csv", "form", flag_value="csv", help="Print the numbers as CSV.")
@click.option("--markdown", "form", flag_value="markdown", help="Print the table as Markdown.")
@store_option
@settings_options
@max_cost_option
def compare(settings: Settings, form: str | None, store_path: Path | None, **given: Any) -> int:
    """Judge rewriters by metrics and print the matrix.

    All outputs and scores are kept, so that a run which was interrupted goes on where it stopped when it is started
    again. The exit code is 1 if any cell failed.
    """
    from gnb.core.plan import prepare_plan
    from gnb.plugins.manager import installed_plugins

    registry = installed_plugins().registry
    plan = _plan(given, settings)
    prepared = prepare_plan(plan, settings, registry)
    note_problems(prepared.problems)
    if not plan.metrics:
        _note_left_out(registry)
    with open_store(store_path) as store, progress() as track:
        matrix = prepared.run(store, track)
    _show(matrix, form)
    return 1 if matrix.failed else 0


def _plan(given: dict[str, Any], settings: Settings) -> Plan:
    """Lay the options over the experiment and that over the defaults."""
    from gnb.core.errors import UnknownNameError
    from gnb.core.plan import Plan

    experiments, name = settings.file.experiments, given.pop("experiment")
    if name and name not in experiments:
        raise UnknownNameError("experiment", name, experiments)
    values = experiments[name].model_dump(exclude_unset=True) if name else {}
    for key in ("sources", "rewriters", "metrics"):
        given[key] = split_names(given[key]) or None
    if given.pop("no_copy"):
        values["copy_baseline"] = False
    return Plan(**values | {key: value for key, value in given.items() if value is not None})


def _note_left_out(registry: Registry) -> None:
    """Say which metrics the default leaves out, since what they need is not installed."""
    for name, component in registry.components["metric"].items():
        if command := component.install_command():
            note(f"Left out: metric {name!r}. To have it: {command}")


def _show(matrix: Matrix, form: str | None) -> None:
    from gnb.core import report

    if form:
        write = {"json": report.to_json, "csv": report.to_csv, "markdown": report.to_markdown}[form]
        # Half a surrogate pair, which no UTF-8 holds, is escaped as JSON does it: \ud800.
        click.echo(write(matrix).rstrip().encode("utf-8", "backslashreplace"))
        return
    from gnb.cli.table import show_matrix

    show_matrix(matrix)
    click.echo(f"run {matrix.run}; side by side: gnb samples {matrix.run}")
