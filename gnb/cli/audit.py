"""`gnb audit`: what a corpus holds, and what in it a person should look at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gnb.cli.pages import check_page, page_option, write_page
from gnb.cli.shared import note, progress, settings_options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gnb.auditing import Audit
    from gnb.auditing.findings import Finding
    from gnb.cli.panels import Panels
    from gnb.core.settings import Settings

_COLOURS = {"error": "red", "warning": "yellow", "note": "cyan"}


@click.command()
@click.argument("data")
@click.option(
    "--near",
    type=click.FloatRange(70, 100),
    default=90,
    show_default=True,
    help="Per cent of characters in common from which two texts nearly agree.",
)
@click.option("--show", type=click.IntRange(min=0), default=3, show_default=True, help="Items to show of each finding.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, each finding with all its items.")
@page_option
@click.option("--fix", "mend", is_flag=True, help="Write a mended copy to the folder that --to names.")
@click.option("--to", "target", type=click.Path(path_type=Path), help="Folder for --fix; new or empty.")
@click.option(
    "--strict",
    is_flag=True,
    help="Stop at the first piece that the source cannot use, and end with code 1 if a finding is an error.",
)
@settings_options
def audit(
    settings: Settings,
    data: str,
    near: float,
    show: int,
    as_json: bool,
    page: Path | None,
    mend: bool,
    target: Path | None,
    strict: bool,
) -> int:
    """Look for what is wrong in DATA: copies, leaks between splits, doubtful labels, chatter, odd characters.

    DATA is a source, NAME or NAME:ARGUMENT, or a folder that `gnb prepare` wrote. It is never changed: --fix writes a
    copy in which exact copies and a chat model's chatter are left out and characters are written as the guideline
    says, with the author's text kept beside, and says in fixes.jsonl what was done to which item.

    Of two texts that nearly agree, the later one is shown, with what the earlier one has instead: marks are
    [-earlier-]{+later+}, colours on a terminal.
    """
    from gnb.auditing import audit as run
    from gnb.auditing.fixing import check_empty, fix
    from gnb.auditing.page import to_html
    from gnb.cli.data import read_data

    if mend != (target is not None):
        raise click.UsageError("--fix and --to DIR belong together: the data itself is never changed.")
    if page:
        check_page(page)
    if target:
        check_empty(target)
    read = read_data(settings, data, strict=strict)
    with progress() as track:
        done = run(read.examples, near=near, track=track)
    if page:
        write_page(page, to_html(read.name, done))
    _show_json(done) if as_json else _show(done, show)
    if target:
        counts = fix(read.examples, target)
        note(f"{target}: {', '.join(f'{number:,} {action}' for action, number in counts.items())}; see fixes.jsonl.")
    return int(strict and done.count("error") > 0)


def _show_json(audit: Audit) -> None:
    import json

    text = json.dumps(audit.as_record(), ensure_ascii=False, indent=2)
    click.echo(text.encode("utf-8", "replace"))  # a lone surrogate becomes a question mark


def _show(audit: Audit, shown: int) -> None:
    from gnb.auditing.findings import SEVERITIES
    from gnb.cli.panels import Panels
    from gnb.core.layout import printable
    from gnb.core.wording import counted

    for name, value in _summary(audit):
        click.echo(f"{name}\t".expandtabs(16) + printable(value))
    panels = Panels()
    for finding in audit.findings:
        click.echo()
        heading = f"{finding.severity}: {finding.title}: {len(finding.items):,} [{finding.name}]"
        click.secho(heading, fg=_COLOURS[finding.severity], bold=True)
        _show_items(panels, finding, shown)
    counts = ", ".join(counted(audit.count(severity), severity) for severity in SEVERITIES)
    note(f"{counts}; --json names every item, --html FILE writes a page")


def _show_items(panels: Panels, finding: Finding, shown: int) -> None:
    from gnb.core.layout import KEPT, Piece, marked, printable

    for item in finding.items[:shown]:
        names = dict.fromkeys((item.id, item.origin, item.detail))
        click.echo("  " + printable(" · ".join(name for name in names if name)))
        panels.print(marked(item.other, item.text) if item.other else [Piece(KEPT, printable(item.text))])
    if len(finding.items) > shown > 0:
        click.echo(f"  and {len(finding.items) - shown:,} more")


def _summary(audit: Audit) -> Iterator[tuple[str, str]]:
    from gnb.core.wording import counted

    sizes, genders = audit.sizes, audit.genders["genders"]
    yield "texts", f"{sizes['texts']:,}, with {counted(sizes['references'], 'reference')}"
    for name in ("splits", "labels", "categories", "registers"):
        if sizes[name]:
            yield name, ", ".join(f"{key} {count:,}" for key, count in sizes[name].items())
    yield "words a text", ", ".join(f"{key} {count}" for key, count in sizes["words"].items())
    for gender, count in genders.items():
        share = "" if count["biased_share"] is None else f", in texts of which {count['biased_share']:.0%} are biased"
        yield gender, f"{counted(count['occurrences'], 'word')}{share}"
    for words, openings in audit.openings.items():
        yield f"{words}-word starts", f"{openings['share']:.1%} of texts share theirs with four others or more"
