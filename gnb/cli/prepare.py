"""`gnb prepare`: sources in, one clean, split and described dataset out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gnb.cli.shared import note, note_problems, progress, settings_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gnb.core.preparation import Input, Plan, Prepared
    from gnb.core.preparation.stages import Clean
    from gnb.core.settings import Settings

_ROWS = {"read": "texts read", "empty": "emptied by cleaning", "published": "in the published layout"}
"""Counts of the manifest that the summary calls more fully; what a source skips was never a text."""


@click.command()
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option("--to", "target", required=True, type=click.Path(path_type=Path), help="Folder to write.")
@click.option(
    "--cleaning",
    type=click.Choice(["careful", "published", "none"]),
    default="careful",
    show_default=True,
    help="Set of rules: careful damages nothing, published is all of hazm and no emoji.",
)
@click.option("--rule", "switches", multiple=True, metavar="NAME=on|off", help="Switch one rule; again for more.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the shuffle and the split.")
@click.option("--shares", default="0.8,0.1,0.1", show_default=True, help="Of train, validation and test.")
@click.option("--strict", is_flag=True, help="Stop at the first piece that a source cannot use.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes that clean.  [one a core]")
@click.option("--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True, help="What cleans.")
@click.option("--ray-address", help="Cluster that --engine ray uses, such as HOST:6379.  [this machine]")
@click.option("--show-changes", "samples", type=click.IntRange(min=0), default=0, help="Changes to show for each rule.")
@click.option("--json", "as_json", is_flag=True, help="Print the manifest.")
@settings_options
def prepare(settings: Settings, sources: tuple[str, ...], as_json: bool, **given: Any) -> None:
    """Clean, de-duplicate, shuffle and split texts into a dataset.

    A SOURCE is NAME or NAME:ARGUMENT, such as chatgpt:FOLDER; `gnb plugins` lists them. The folder appears when it is
    complete. Interrupted, the same command goes on where it stopped.
    """
    from gnb.core.preparation import prepare as run

    inputs, plan = _inputs(settings, sources), _plan(**given)
    try:
        with progress() as track:
            done = run(inputs, plan, track)
    except KeyboardInterrupt:
        note("What is finished is kept; the same command goes on from there.")
        raise
    note_problems(*(each.problems for each in inputs))
    _show(done, plan.target, as_json=as_json)


def _inputs(settings: Settings, sources: Sequence[str]) -> list[Input]:
    from gnb.core.preparation import Input
    from gnb.plugins.manager import installed_plugins

    registry = installed_plugins().registry
    choices = [settings.choose("source", text, registry) for text in sources]
    settings.check_overrides(choices)
    return [Input(choice.name, registry.create("source", choice.name, choice.values)) for choice in choices]


def _plan(
    cleaning: Any,
    switches: Sequence[str],
    shares: str,
    workers: int | None,
    engine: str,
    ray_address: str | None,
    **given: Any,
) -> Plan:
    import os

    from gnb.core.cleaning import CleaningOptions, parse_rules
    from gnb.core.preparation import Plan
    from gnb.core.splitting import parse_shares

    rules = CleaningOptions.named(cleaning, parse_rules(switches))
    clean = _clean_on_ray(ray_address, workers) if engine == "ray" else None
    if ray_address and clean is None:
        raise click.UsageError("--ray-address is for --engine ray.")
    return Plan(rules=rules, shares=parse_shares(shares), workers=workers or os.cpu_count() or 1, clean=clean, **given)


def _clean_on_ray(address: str | None, workers: int | None) -> Clean:
    from functools import partial

    from gnb.scaling.ray_cleaning import clean_on_ray

    return partial(clean_on_ray, address=address, workers=workers)


def _show(done: Prepared, target: Path, *, as_json: bool) -> None:
    import json

    from gnb.core.layout import printable
    from gnb.core.preparation.workspace import CONFLICTS

    earlier = ", in place of an earlier dataset" if done.replaced else ""
    if as_json:
        changes = {rule: [step._asdict() for step in steps] for rule, steps in done.samples.items()}
        click.echo(json.dumps(done.manifest | ({"changes": changes} if changes else {}), ensure_ascii=False, indent=2))
        if earlier:
            note(f"Written to {target}{earlier}.")
        return
    _write_table(_summary(done.manifest))
    for rule, steps in done.samples.items():
        for step in steps:
            click.echo(f"\n{rule}\n- {printable(step.before)}\n+ {printable(step.after)}")
    counts = done.manifest["counts"]
    disagree = counts["conflicting_labels"] + counts["conflicting_references"]
    conflicts = f"; what the copies disagree about: {target / CONFLICTS}" if disagree else ""
    click.echo(f"\nwritten to {target}{earlier}{conflicts}")


def _summary(manifest: dict[str, Any]) -> list[tuple[str, str]]:
    from gnb.core.wording import counted

    counts = manifest["counts"]
    rows = [("pieces skipped", sum(source["skipped"] for source in manifest["sources"]))]
    rows += [(_ROWS.get(name, name.replace("_", " ")), count) for name, count in counts.items() if name != "splits"]
    rows += list(counts["splits"].items())
    shown = [(name, f"{count:,}") for name, count in rows]
    for rule, did in manifest["rules"].items():
        if did["changed"]:
            name = f"rule {rule.replace('_', '-')}"
            changed, removed = counted(did["changed"], "text"), counted(did["removed"], "character")
            shown.append((name, f"{changed} changed, {removed} removed"))
    return shown


def _write_table(rows: Sequence[tuple[str, str]]) -> None:
    """Write two columns on a terminal, and lines with a tab into a pipe or a file."""
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    if not console.is_terminal:
        for row in rows:
            click.echo("\t".join(row))
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    console.print(table)
