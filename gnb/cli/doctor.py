"""`gnb doctor`: can a profile run here, and if not, what to do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gnb.cli.shared import note, split_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gnb.core.settings import Settings
    from gnb.doctor.checks import Check

_STYLES = {"ok": "green", "warning": "yellow", "fails": "bold red"}


@click.command()
@click.argument("profile", required=False)
@click.option("--rewriters", "-r", multiple=True, metavar="NAMES", help="Those of the run to come.  [base,lora]")
@click.option("--online", is_flag=True, help="Ask the hub whether it answers and what may be fetched.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--config", type=click.Path(path_type=Path), help="Settings file.  [gnb.toml of this folder]")
@click.option("-o", "pairs", multiple=True, metavar="LABEL.OPTION=VALUE", help="Set an option, as in the run to come.")
def doctor(
    profile: str | None,
    rewriters: tuple[str, ...],
    online: bool,
    as_json: bool,
    config: Path | None,
    pairs: tuple[str, ...],
) -> int:
    """Check whether PROFILE can run on this machine before an hour is spent on it.

    Each line says what was found and what to do. The exit code is 1 if something fails, 0 otherwise, warnings
    included. Without --online nothing leaves the machine.
    """
    from gnb.doctor.examine import examine

    settings, trouble = _settings(config, profile, pairs)
    names = split_names(rewriters) or ("base", "lora")
    checks = examine(settings, names, online=online, trouble=trouble)
    failed = sum(check.level == "fails" for check in checks)
    if as_json:
        _show_json(settings.profile, checks, runs=not failed)
    else:
        _show(checks)
        fail = "fails" if failed == 1 else "fail"
        verdict = f"cannot run here: {failed} of {len(checks)} checks {fail}" if failed else "can run here"
        note(f"Profile {settings.profile} {verdict}.")
    return 1 if failed else 0


def _settings(config: Path | None, profile: str | None, pairs: tuple[str, ...]) -> tuple[Settings, str]:
    """Return the settings, and what is wrong with the settings file; without it then."""
    from gnb.core.errors import SettingsError, UnknownNameError
    from gnb.core.settings import Settings, load_settings, parse_pairs

    try:
        return load_settings(config, profile, pairs), ""
    except UnknownNameError:
        raise
    except SettingsError as error:
        settings = Settings(profile=profile or "embedded", overrides=parse_pairs(pairs))
        settings.profile_tables()
        return settings, str(error)


def _show(checks: Sequence[Check]) -> None:
    """Print a table on a terminal, and columns with tabs between them in a pipe; names from files do no harm."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from gnb.core.layout import printable, printable_lines

    console = Console(highlight=False)
    if not console.is_terminal:
        for check in checks:
            click.echo("\t".join(printable(" ".join(part.split())) for part in _columns(check)))
        return
    table = Table.grid(padding=(0, 2, 0, 0))
    for check in checks:
        said = Text(printable_lines(check.found))
        if check.advice:
            said.append(f"\n{printable_lines(check.advice)}", style="bold")
        table.add_row(Text(check.level, style=_STYLES[check.level]), Text(check.topic), said)
    console.print(table)


def _columns(check: Check) -> tuple[str, str, str, str]:
    return check.level, check.topic, check.found, check.advice


def _show_json(profile: str, checks: Sequence[Check], *, runs: bool) -> None:
    import json
    from dataclasses import asdict

    record = {"profile": profile, "runs": runs, "checks": [asdict(check) for check in checks]}
    click.echo(json.dumps(record, ensure_ascii=False, indent=2))
