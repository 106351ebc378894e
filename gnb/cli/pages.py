"""Pages for the browser that commands write: in one step, and never in place of anything but such a page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gnb.cli.shared import note

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gnb.cli.shared import Command

_HEAD_BYTES = 1000


def page_option(command: Command) -> Command:
    """Add --html, the path of a `page`; `check_page` it before work is done, and `write_page` it."""
    path = click.Path(path_type=Path, dir_okay=False)
    return click.option("--html", "page", type=path, help="Write a page for the browser.")(command)


def check_page(page: Path) -> None:
    """Refuse what is no place for a page, and to replace what is no page of gnb: it may be the data itself.

    Raises:
        SettingsError: says why.
    """
    from gnb.core.errors import SettingsError
    from gnb.core.web_page import MADE_HERE

    if page.suffix.lower() not in (".html", ".htm"):
        raise SettingsError(f"--html {page}: does not end in .html; name the page to write so.")
    if not page.parent.is_dir():
        raise SettingsError(f"--html {page}: the folder {page.parent} does not exist; make it first.")
    try:
        with page.open("rb") as file:
            is_ours = MADE_HERE.encode() in file.read(_HEAD_BYTES)
    except FileNotFoundError:
        return
    except OSError as error:
        raise SettingsError(f"--html {page}: cannot be read ({error.strerror}); name another.") from None
    if not is_ours:
        raise SettingsError(f"--html {page}: exists and is no page that gnb wrote; name another, or remove it.")


def write_page(page: Path, pieces: Iterable[str]) -> None:
    """Write a page; it appears when it is complete.

    Raises:
        SettingsError: if it cannot be written.
    """
    from gnb.core.appearing import appearing
    from gnb.core.errors import SettingsError

    try:
        with appearing(page) as file:
            file.writelines(pieces)
    except OSError as error:
        raise SettingsError(f"--html {page}: cannot be written ({error.strerror}).") from None
    note(f"written to {page}")
