"""`gnb collect`: texts brought in from outside, kept as they arrive."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gnb.cli.shared import note, progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gnb.sources.twitter.collecting import Outcome
    from gnb.sources.twitter.login import Credential
    from gnb.sources.twitter.options import BrowserOptions, CollectOptions
    from gnb.sources.twitter.query import Search

_DAY = click.DateTime(["%Y-%m-%d"])
_ENDS = {"limit": "limit reached", "time": "time is up", "end": "nothing more"}
_NETWORK = "net::ERR_"
"""How Chromium begins the names of what went wrong outside of it."""


@click.group()
def collect() -> None:
    """Collect texts into a file that sources read."""


@collect.command()
@click.option("--query", "-q", "queries", multiple=True, help="Search for this, in X's own syntax; again for more.")
@click.option("--query-file", type=click.Path(path_type=Path), help="File of queries, one a line.")
@click.option("--user", "users", multiple=True, help="Search for the tweets of a user; again for more.")
@click.option("--hashtag", "hashtags", multiple=True, help="Search for a hashtag; again for more.")
@click.option("--list", "lists", multiple=True, help="Search the tweets of a list, by number or address.")
@click.option("--preset", help="A named set of searches: study, the five of the published study.")
@click.option("--since", type=_DAY, help="First day.")
@click.option("--until", type=_DAY, help="The day after the last.")
@click.option("--lang", help="Language as X tells it, such as fa.")
@click.option("--latest/--top", default=None, help="Newest first, or what X ranks highest.  [--top]")
@click.option("--limit", type=click.IntRange(min=1), help="Tweets to keep of each search, earlier runs included.")
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), help="Stop after this time.")
@click.option("--to", "path", required=True, type=click.Path(path_type=Path), help="JSON Lines file to append to.")
@click.option("--raw-handles", is_flag=True, help="Keep the names of authors and mentioned users, not hashes alone.")
@click.option(
    "--delay",
    type=click.FloatRange(min=0),
    default=2.0,
    show_default=True,
    help="Mean pause after each scroll in seconds.",
)
@click.option("--browser", type=click.Choice(["auto", "chrome", "firefox"]), default="auto", show_default=True)
@click.option("--headless/--no-headless", default=True, show_default=True, help="Without or with a window.")
@click.option("--login", is_flag=True, help="Log in and keep the session for the next times.")
@click.option("--cookies", type=click.Path(path_type=Path), help="Import and keep the session that a browser exported.")
@click.option("--url", envvar="GNB_X_URL", default="https://x.com", show_default=True, help="Address of the site.")
@click.option("--json", "as_json", is_flag=True, help="Print what became of each search as JSON.")
def twitter(browser: str, headless: bool, login: bool, cookies: Path | None, as_json: bool, **given: Any) -> None:
    """Collect tweets with a browser that reads X as a person does, each kept the moment it is seen.

    X's terms forbid automated access without its permission, which is yours to obtain; where you can use its API or
    an export, do (docs/twitter.md). Each --query, --user, --hashtag, --list is one search. Interrupted, the same
    command goes on: no tweet is kept twice.

    For --login, GNB_X_USERNAME, GNB_X_PASSWORD and the like, a keyring, or you answer what X asks for.
    """
    from gnb.core.options import build_options
    from gnb.sources.twitter.options import BrowserOptions

    if login and cookies:
        raise click.UsageError("--login or --cookies: a session comes from one of them.")
    searches, options = _searches_and_options(**given)
    driven = build_options(BrowserOptions, {"browser": browser, "headless": headless}, "gnb collect twitter")
    outcomes: list[Outcome] = []
    try:
        _run(searches, options, driven, cookies, outcomes, login=login)
    except KeyboardInterrupt:
        if options.path.exists():
            note(f"What was collected is in {options.path}; the same command goes on from there.")
        raise
    _show(outcomes, as_json=as_json)
    _note_faults(outcomes, searches, options)


def _searches_and_options(
    queries: Sequence[str],
    query_file: Path | None,
    preset: str | None,
    latest: bool | None,
    limit: int | None,
    **given: Any,
) -> tuple[list[Search], CollectOptions]:
    from gnb.core.errors import UnknownNameError
    from gnb.core.options import build_options
    from gnb.sources.twitter.options import CollectOptions
    from gnb.sources.twitter.presets import PRESETS
    from gnb.sources.twitter.query import Search, build_searches, read_queries

    if preset is not None and preset not in PRESETS:
        raise UnknownNameError("preset", preset, PRESETS)
    chosen = PRESETS[preset] if preset else None
    words = [*queries, *(read_queries(query_file) if query_file else ()), *(chosen.queries if chosen else ())]
    if latest is None:
        latest = bool(chosen and chosen.latest)
    since, until = (given.pop(name) for name in ("since", "until"))
    common = Search("", since and since.date(), until and until.date(), given.pop("lang"), latest)
    searches = build_searches(common, words, *(given.pop(name) for name in ("users", "hashtags", "lists")))
    if not searches:
        raise click.UsageError("Name what to collect: --query, --query-file, --user, --hashtag, --list or --preset.")
    values = {**given, "limit": limit or (chosen and chosen.limit)}
    return searches, build_options(CollectOptions, values, "gnb collect twitter")


def _run(
    searches: Sequence[Search],
    options: CollectOptions,
    driven: BrowserOptions,
    cookies: Path | None,
    outcomes: list[Outcome],
    *,
    login: bool,
) -> None:
    """Drive the browser through the searches; `outcomes` fills up as they end."""
    from gnb.sources.twitter.browser import open_browser
    from gnb.sources.twitter.collecting import check_target, collect
    from gnb.sources.twitter.session import open_session, save_session

    check_target(options.path)
    with open_browser(driven) as browser:
        open_session(browser, options.url, cookies, _ask if login else None, headless=driven.headless)
        kept = save_session(browser, options.url)
        if kept and (login or cookies):
            note(f"The session is kept in {kept}, readable by you alone; delete it to log out here.")
        with progress() as track:
            for outcome in collect(browser, searches, options, track):
                outcomes.append(outcome)


def _ask(wanted: Credential) -> str:
    """Ask the person at the terminal; a secret is not shown."""
    import sys

    from gnb.core.errors import GnbError

    if not sys.stdin.isatty():
        raise GnbError(
            f"The log-in asks for the {wanted.key}, and nobody is at a terminal to answer. Set {wanted.variable},"
            f" or keep it: keyring set gnb-x {wanted.key}"
        )
    return str(click.prompt(wanted.prompt, hide_input=wanted.secret, err=True))


def _show(outcomes: Sequence[Outcome], *, as_json: bool) -> None:
    """Print one line a search: tweets kept, new ones among them, the query, and why it ended."""
    import json

    from gnb.core.layout import printable

    if as_json:
        rows = [
            {
                "query": each.query,
                "kept": each.kept,
                "new": each.new,
                "end": each.end,
                "screenshot": each.screenshot and str(each.screenshot),
            }
            for each in outcomes
        ]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for each in outcomes:
        click.echo(f"{each.kept}\t{each.new} new\t{_ENDS.get(each.end, each.end)}\t{printable(each.query)}")


def _note_faults(outcomes: Sequence[Outcome], searches: Sequence[Search], options: CollectOptions) -> None:
    """Say what went wrong, where, and what is kept; an error if it ended the session, or no search went well."""
    from gnb.core.errors import GnbError
    from gnb.core.wording import counted

    messages = [_fault_line(each) for each in outcomes if each.fault]
    if not messages:
        return
    stopped = outcomes[-1].fault is not None and outcomes[-1].fault.final
    *before, last = messages
    for message in before:
        note(message)
    if not stopped and len(messages) < len(outcomes):
        note(last)
        return
    rest = len(searches) - len(outcomes)
    left = f" {counted(rest, 'search', 'searches')} not begun." if rest else ""
    new = sum(each.new for each in outcomes)
    raise GnbError(f"{last}{left} New tweets in {options.path}: {new}; the same command goes on from there.")


def _fault_line(outcome: Outcome) -> str:
    picture = f" Screenshot: {outcome.screenshot}." if outcome.screenshot else ""
    network = " Look at the network and the proxy." if _NETWORK in str(outcome.fault) else ""
    return f"{outcome.query}: {outcome.fault}.{network}{picture}"
