"""The `gnb` command: finds its subcommands lazily, and turns mistakes into one clear line."""

import os
import select
import sys
from importlib import import_module

import click

from gnb.cli.shared import note
from gnb.core.errors import GnbError, nearest

COMMANDS = {
    "audit": "gnb.cli.audit:audit",
    "collect": "gnb.cli.collect:collect",
    "compare": "gnb.cli.compare:compare",
    "detect": "gnb.cli.detect:detect",
    "doctor": "gnb.cli.doctor:doctor",
    "label": "gnb.cli.label:label",
    "plugins": "gnb.cli.plugins:plugins",
    "prepare": "gnb.cli.prepare:prepare",
    "publish": "gnb.cli.publish:publish",
    "rewrite": "gnb.cli.rewrite:rewrite",
    "samples": "gnb.cli.samples:samples",
    "train": "gnb.cli.train:train",
    "tune": "gnb.cli.tune:tune",
}
MISTAKE, STOPPED, FAILURE, BUG = 2, 130, 1, 70
"""Exit codes: a user's mistake as in click, Ctrl-C as in shells, the system refused, EX_SOFTWARE of sysexits.h."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the command names in order."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the arguments name; an unknown one is refused with the nearest and all names."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            known = self.list_commands(ctx)
            raise click.UsageError(f"There is no command {name!r}.{nearest(name, known)} Existing: {', '.join(known)}.")
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="gnb")
def cli() -> None:
    """Find and neutralise gender bias in Persian text, and measure which way of doing it works best."""


def main() -> None:
    """Run the command line. Mistakes end in one line and code 2, Ctrl-C in code 130, a closed pipe quietly."""
    _open_closed_streams()
    _speak_utf8()
    # Its search for plugins costs 0.05 s, and a malformed entry_points.txt of any package would end it.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    if "_GNB_COMPLETE" in os.environ:
        cli(prog_name="gnb")  # click answers the shell's question for completions and exits
    try:
        code = _run(sys.argv[1:])
        sys.stdout.flush()
    except Exception as error:
        code = _report(error)
    except KeyboardInterrupt:
        click.echo("Stopped.", err=True)
        code = STOPPED
    _mention_broken_plugins()
    sys.exit(code)


def _run(arguments: list[str]) -> int:
    # Not `cli.main`: it ends a closed pipe with code 1 and takes any EOFError for Ctrl-C.
    try:
        with cli.make_context("gnb", arguments) as context:
            result = cli.invoke(context)
    except click.exceptions.Exit as request:
        return request.exit_code
    return result if isinstance(result, int) else 0


def _report(error: Exception) -> int:
    """Say on standard error what went wrong, in one line, and return the exit code."""
    match error:
        case click.exceptions.Abort():
            click.echo("Stopped.", err=True)
            return STOPPED
        case click.ClickException():
            error.show()
            return error.exit_code
        case GnbError():
            note(f"Error: {error}")
            return MISTAKE
        case BrokenPipeError() if _stdout_is_closed():
            _drop_stdout()
            return 0
        case OSError(strerror=str(reason)):
            _drop_stdout()
            note(f"Error: {reason}" + (f": {error.filename}" if error.filename else ""))
            return FAILURE
    _report_bug(error)
    return BUG


def _report_bug(error: Exception) -> None:
    import traceback

    if os.environ.get("GNB_DEBUG") == "1":
        click.echo("".join(traceback.format_exception(error)), err=True, nl=False)
        return
    *_, frame = traceback.extract_tb(error.__traceback__)
    note(
        f"Unexpected error: {type(error).__name__}: {error} ({frame.filename}:{frame.lineno})\n"
        "This is a fault in gnb or in a plugin, not a mistake of yours. GNB_DEBUG=1 shows the traceback;"
        " please send it with the command to the maintainers (see CONTRIBUTING.md, Reporting a fault)."
    )


def _mention_broken_plugins() -> None:
    """Say on standard error which plugins were skipped, if the command loaded any and did not list them itself."""
    manager = sys.modules.get("gnb.plugins.manager")
    if manager is None or sys.argv[1:2] == ["plugins"] or not manager.installed_plugins.cache_info().currsize:
        return
    for plugin in manager.installed_plugins().broken:
        note(f"Skipped: plugin {plugin.name!r} of {plugin.provider} {plugin.reason}.")


def _stdout_is_closed() -> bool:
    """Return whether it is standard output that nobody reads any more, and not some other pipe."""
    if not hasattr(select, "poll"):  # Windows
        return True
    poller = select.poll()
    poller.register(sys.stdout.fileno(), 0)  # errors are reported whatever is asked for
    return bool(poller.poll(0))


def _drop_stdout() -> None:
    """Give what is left in standard output somewhere to go: Python flushes it once more at exit."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _open_closed_streams() -> None:
    """Let standard streams that were closed (`<&-`, `>&-`) read nothing and lose what is written.

    Python leaves None in their place, and their numbers to the next files that are opened.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - it stays open to the end


def _speak_utf8() -> None:
    """Make the standard streams UTF-8 whatever the locale says: Persian fits into nothing else.

    Bytes of an argument that were no text of the locale come out as they went in.
    """
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="surrogateescape")
