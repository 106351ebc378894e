"""What several commands share: options that choose settings, and the progress on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from gnb.core.progress import Track
    from gnb.core.reading import Problems
    from gnb.core.settings import Settings
    from gnb.core.store import Store

Command = Callable[..., Any]

_SHOWN_PROBLEMS = 5


def settings_options(command: Command) -> Command:
    """Add --config, --profile and -o; the command gets the `settings` that they name."""

    @click.option("--config", type=click.Path(path_type=Path), help="Settings file.  [gnb.toml of this folder]")
    @click.option("--profile", help="Base model, adapter and metric models.  [embedded]")
    @click.option(
        "-o", "pairs", multiple=True, metavar="LABEL.OPTION=VALUE", help="Set an option of a component; again for more."
    )
    @wraps(command)
    def with_settings(config: Path | None, profile: str | None, pairs: tuple[str, ...], **values: Any) -> Any:
        from gnb.core.settings import load_settings

        pass_on_notes()
        return command(settings=load_settings(config, profile, pairs), **values)

    return with_settings


def max_cost_option(command: Command) -> Command:
    """Add --max-cost, below `settings_options`; it is among the `settings` that the command gets."""

    @click.option("--max-cost", type=float, metavar="USD", help="Stop each paid rewriter before it costs more.")
    @wraps(command)
    def with_limit(settings: Settings, max_cost: float | None, **values: Any) -> Any:
        from dataclasses import replace

        if max_cost is not None:
            settings = replace(settings, for_rewriters={"max_cost": max_cost})
        return command(settings=settings, **values)

    return with_limit


def store_option(command: Command) -> Command:
    """Add --store; `open_store` opens it."""
    return click.option(
        "--store",
        "store_path",
        type=click.Path(path_type=Path, dir_okay=False),
        envvar="GNB_STORE",
        help="File that keeps outputs and scores.  [.gnb/store.sqlite of this folder]",
    )(command)


def open_store(path: Path | None) -> Store:
    """Open the store that `store_option` names."""
    from gnb.core.store import DEFAULT_PATH, Store

    return Store(path or DEFAULT_PATH)


def split_names(values: tuple[str, ...]) -> tuple[str, ...]:
    """Split comma-separated names of an option that may be given again.

    Raises:
        SettingsError: if it was given and names nothing, as with a variable that is not set: no default was meant.
    """
    from gnb.core.errors import SettingsError

    names = tuple(name for value in values for part in value.split(",") if (name := part.strip()))
    if values and not names:
        raise SettingsError("An option that takes names was given an empty one: name something, or leave it out.")
    return names


def note(message: str) -> None:
    """Say something on standard error; names from data can do nothing to the terminal."""
    from gnb.core.layout import printable_lines

    click.echo(printable_lines(message), err=True)


def pass_on_notes() -> None:
    """Note what the library, which prints nothing, logs, such as why a first call takes minutes."""
    import logging

    class Notes(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            from gnb.core.layout import printable_lines

            # not as `note` does, which writes past the progress, and so into its line
            click.echo(printable_lines(record.getMessage()), file=sys.stderr)

    logger = logging.getLogger("gnb")
    logger.setLevel(logging.INFO)
    logger.handlers = [Notes()]  # in the place of an earlier one, where commands share a process


def note_problems(*found: Problems, hint: str = "; --strict stops at the first") -> None:
    """Say what the sources noted and what was skipped in them: the first pieces, then how many in all."""
    from gnb.core.layout import printable
    from gnb.core.wording import counted

    notes = [line for each in found for line in each.notes]
    skipped = [f"Skipped {problem}" for each in found for problem in each.kept]
    for line in notes + skipped[:_SHOWN_PROBLEMS]:
        note(printable(line))
    if count := sum(each.count for each in found):
        note(f"Skipped {counted(count, 'piece')} of the sources in all{hint}.")


@contextmanager
def progress() -> Iterator[Track]:
    """Show what is going on, with rate and time left, if standard error is a terminal."""
    if not sys.stderr.isatty():
        from gnb.core.progress import untracked

        yield untracked
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    name = TextColumn("{task.description}", markup=False)
    rate = TextColumn("{task.fields[rate]}")
    columns = (name, BarColumn(bar_width=20), MofNCompleteColumn(), rate, TimeRemainingColumn(compact=True))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, Any] = {}

        def track(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total or None, completed=done, rate="")
            speed = bars.tasks[tasks[what]].speed
            bars.update(tasks[what], completed=done, rate=f"{speed:.1f}/s" if speed else "")

        yield track
