"""`gnb samples`: what the rewriters of a run made of its texts, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gnb.cli.pages import check_page, page_option, write_page
from gnb.cli.shared import note, open_store, split_names, store_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gnb.core.samples import Sample
    from gnb.core.store_runs import StoredRun


@click.command()
@click.argument("run", default="last")
@click.option("--limit", type=click.IntRange(min=0), default=10, show_default=True, help="Show so many; 0 for all.")
@click.option(
    "--only",
    type=click.Choice(["changed", "missed", "touched"]),
    help="Changed texts, biased texts left unchanged, or unbiased texts changed.",
)
@click.option("--category", help="Texts of one category of the guideline.")
@click.option(
    "--rewriter", "-r", "rewriters", multiple=True, help="Labels, comma-separated; all but copy if not given."
)
@click.option("--unsure", is_flag=True, help="The outputs whose rewriter says how sure it is, the least sure first.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line, raw outputs included.")
@page_option
@store_option
def samples(
    run: str,
    limit: int,
    only: str | None,
    category: str | None,
    rewriters: tuple[str, ...],
    unsure: bool,
    as_json: bool,
    page: Path | None,
    store_path: Path | None,
) -> None:
    """Show input, reference and each rewriter's output of a RUN, changed words marked.

    RUN is the name that `gnb compare` printed, or "last". Marks are [-deleted-]{+inserted+}, colours on a terminal.
    Behind a rewriter's label stands how sure it is of the least sure edit of its output, if it says so.
    """
    from gnb.core.samples import samples_of
    from gnb.core.store_runs import find_run
    from gnb.core.wording import counted

    if page:
        check_page(page)
    with open_store(_existing(store_path)) as store:
        found = find_run(store, run)
        labels = split_names(rewriters)
        matching = samples_of(found, store, rewriters=labels, only=only, category=category, unsure=unsure)
    shown = matching[: limit or None]
    if page:
        _write_page(page, found, shown)
    elif as_json:
        _print_json(shown)
    else:
        _print(shown)
    rest = "" if len(shown) == len(matching) else "; --limit 0 shows all"
    if only or category or unsure:
        matches = f"{counted(len(matching), 'matching text')} ({len(found.examples):,} in the run)"
    else:
        matches = counted(len(matching), "text")
    note(f"run {found.name} ({found.status}): {len(shown):,} of {matches}{rest}")


def _existing(path: Path | None) -> Path:
    """Return the store's path if there is one: who reads makes none."""
    from gnb.core.errors import InputError
    from gnb.core.store import DEFAULT_PATH

    path = path or DEFAULT_PATH
    if not path.exists():
        raise InputError(f"{path}: there is no run store. Make one: gnb compare")
    return path


def _write_page(page: Path, run: StoredRun, shown: Sequence[Sample]) -> None:
    from gnb.core.report_html import to_html

    write_page(page, to_html(f"gnb run {run.name}", shown))


def _print_json(shown: Sequence[Sample]) -> None:
    import json

    from gnb.core.samples import sample_values

    for sample in shown:
        # Half a surrogate pair, which no UTF-8 holds, is escaped as JSON does it: \ud800.
        click.echo(json.dumps(sample_values(sample), ensure_ascii=False).encode("utf-8", "backslashreplace"))


def _print(shown: Sequence[Sample]) -> None:
    from gnb.cli.panels import Panels

    panels = Panels(max((len(label) for sample in shown for label, _ in sample.lines()), default=0))
    for sample in shown:
        panels.show(sample.heading, sample.lines())
