"""`gnb label`: texts out to labelling tools, votes back in, and how far the annotators agree."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gnb.cli.shared import note, settings_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gnb.core.records import Example, Problem
    from gnb.core.settings import Settings
    from gnb.labelling.agreement import Agreement, Disagreement
    from gnb.labelling.votes import Labelled

_MODULES = {"label-studio": "label_studio", "argilla": "argilla", "csv": "spreadsheet"}
_FORMAT = click.option(
    "--format", "format_", type=click.Choice(list(_MODULES)), required=True, help="The tool's format."
)
_PATH = click.Path(path_type=Path)
_SHOWN = 20


@click.group()
def label() -> None:
    """Have people label texts, and take in what they say."""


@label.command("export")
@click.argument("data")
@click.option("--to", "target", required=True, type=_PATH, help="File to write; a folder for argilla.")
@_FORMAT
@click.option(
    "--suggest", is_flag=True, help="Show annotators what the source says: faster, but no longer independent."
)
@click.option("--limit", type=click.IntRange(min=1), help="Export so many texts at most.")
@click.option("--strict", is_flag=True, help="Stop at the first piece that the source cannot use.")
@settings_options
def export_command(
    settings: Settings, data: str, target: Path, format_: str, suggest: bool, limit: int | None, strict: bool
) -> None:
    """Write the texts of DATA for a labelling tool.

    DATA is a source, NAME or NAME:ARGUMENT, or a folder that `gnb prepare` wrote. Each text travels with a record of
    what is known about it, by which import finds out what was edited.
    """
    from gnb.core.wording import counted

    _check_new(target)
    examples = _read(settings, data, strict=strict)[:limit]
    for path in _module(format_).export(examples, target, suggest=suggest):
        note(f"{path}")
    note(f"{counted(len(examples), 'text')} exported.")


@label.command("import")
@click.argument("files", nargs=-1, required=True, type=_PATH, metavar="FILE...")
@_FORMAT
@click.option("--to", "target", required=True, type=_PATH, help="JSON Lines file to write.")
@click.option(
    "--resolve",
    type=click.Choice(["majority", "first", "none"]),
    default="majority",
    show_default=True,
    help="Which vote becomes the label; none keeps the labels as they were.",
)
def import_command(files: tuple[Path, ...], format_: str, target: Path, resolve: Any) -> None:
    """Read what annotators said, in one FILE or several, and write examples with all votes.

    The file is read by gnb prepare and gnb compare as the source jsonl:FILE, and by gnb label agreement.
    """
    from gnb.core.jsonl import example_to_json
    from gnb.core.wording import counted
    from gnb.labelling.files import write_text
    from gnb.labelling.resolving import resolve as decide
    from gnb.labelling.votes import gather

    _check_new(target)
    read = _module(format_).read
    gathered = gather(found for file in files for found in read(file))
    decided = [decide(each, resolve) for each in gathered]
    write_text(target, "".join(example_to_json(example) + "\n" for example, _ in decided))
    for example, fields in decided:
        if fields:
            note(f"Undecided: {example.id}: equally many votes for two answers to: {', '.join(fields)}")
    _note_strange_categories(gathered)
    votes = sum(len(each.votes) for each in gathered)
    without = sum(not each.votes for each in gathered)
    rest = f"; as before, for want of a vote: {without:,}" if without else ""
    note(f"{counted(len(gathered), 'text')} with {counted(votes, 'vote')} in {target}{rest}.")


@label.command()
@click.argument("file", type=_PATH)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="Print the disagreements as CSV.")
def agreement(file: Path, as_json: bool, as_csv: bool) -> None:
    """Tell how far annotators agree, and list what they disagree about. FILE is what gnb label import wrote."""
    from gnb.core.jsonl import read_examples
    from gnb.labelling.agreement import measure

    found, disagreements = measure(list(read_examples(file, _refuse)))
    if as_json:
        _show_json(found, disagreements)
    elif as_csv:
        _show_csv(disagreements)
    else:
        _show(found, disagreements)


def _check_new(target: Path) -> None:
    """Refuse to replace what is there: it may hold votes that exist nowhere else."""
    from gnb.core.errors import SettingsError

    if target.exists():
        raise SettingsError(f"--to {target}: exists already; name a new one, or remove it first.")


def _note_strange_categories(gathered: Sequence[Labelled]) -> None:
    from gnb.core.layout import printable
    from gnb.labelling.votes import categories_of

    known = categories_of(each.example for each in gathered)
    for each in gathered:
        for vote in each.votes:
            if vote.category and vote.category not in known:
                who = printable(f"{each.example.id}: {vote.annotator}")
                note(f"{who} says category {vote.category!r}, which is none of those known.")


def _module(format_: str) -> Any:
    from importlib import import_module

    return import_module(f"gnb.labelling.{_MODULES[format_]}")


def _read(settings: Settings, text: str, *, strict: bool) -> Sequence[Example]:
    from gnb.cli.data import read_data
    from gnb.core.errors import InputError

    examples = read_data(settings, text, strict=strict).examples
    seen: set[str] = set()
    for example in examples:
        if example.id in seen:
            raise InputError(f"{text}: id {example.id!r} stands there twice; run gnb prepare first.")
        seen.add(example.id)
    return examples


def _refuse(problem: Problem) -> None:
    from gnb.core.errors import InputError

    raise InputError(f"{problem}; name the file that gnb label import wrote.")


def _show(found: Sequence[Agreement], disagreements: Sequence[Disagreement]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from gnb.cli.table import PIPE_WIDTH
    from gnb.core.layout import printable
    from gnb.core.wording import counted

    # As Text: rich would take an annotator called [bold]x for markup.
    table = Table("field", "annotators", "texts", "agreement", "kappa", "alpha", box=None, pad_edge=False)
    for each in found:
        table.add_row(each.field, "all", str(each.texts), _percent(each.agreement), "", _decimals(each.alpha))
        for pair in each.pairs:
            names = Text(printable(f"{pair.first}, {pair.second}"))
            table.add_row(each.field, names, str(pair.texts), _percent(pair.agreement), _decimals(pair.kappa), "")
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    console.print(table)

    click.echo(f"\n{counted(len(disagreements), 'disagreement')}")
    for one in disagreements[:_SHOWN]:
        said = ", ".join(f"{who}: {what}" for who, what in one.said.items())
        click.echo(f"{printable(one.id)}  {one.field}: {printable(said)}\n  {printable(one.text)}")
    if len(disagreements) > _SHOWN:
        click.echo(f"... and {len(disagreements) - _SHOWN} more; --json and --csv show all.")


def _show_json(found: Sequence[Agreement], disagreements: Sequence[Disagreement]) -> None:
    import json
    from dataclasses import asdict

    fields = {each.field: {key: value for key, value in asdict(each).items() if key != "field"} for each in found}
    shown = {"fields": fields, "disagreements": [asdict(one) for one in disagreements]}
    click.echo(json.dumps(shown, ensure_ascii=False, indent=2))


def _show_csv(disagreements: Sequence[Disagreement]) -> None:
    import csv
    import sys

    from gnb.core.layout import printable_lines
    from gnb.labelling.spreadsheet import guard

    writer = csv.writer(sys.stdout)
    writer.writerow(("id", "field", "annotator", "said", "text"))
    for one in disagreements:
        rows = ((one.id, one.field, who, what, one.text) for who, what in one.said.items())
        writer.writerows([guard(printable_lines(cell)) for cell in row] for row in rows)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _decimals(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
