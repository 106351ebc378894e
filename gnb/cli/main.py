"""The `gnb` command: finds its subcommands lazily, and turns mistakes into one clear line."""

import os
import sys
from importlib import import_module

import click

COMMANDS = {
    "compare": "gnb.cli.compare:compare",
    "plugins": "gnb.cli.plugins:plugins",
    "prepare": "gnb.cli.prepare:prepare",
    "rewrite": "gnb.cli.rewrite:rewrite",
    "samples": "gnb.cli.samples:samples",
    "train": "gnb.cli.train:train",
}


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


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="gnb")
def cli() -> None:
    """Find and neutralise gender bias in Persian text, and measure which way of doing it works best."""


def main() -> None:
    """Run the command line. Mistakes end in one line and code 2, Ctrl-C in code 130, a closed pipe quietly."""
    from gnb.core.errors import GnbError

    try:
        code = cli.main(standalone_mode=False)
        sys.stdout.flush()
        sys.exit(code if isinstance(code, int) else 0)
    except click.exceptions.Abort:
        click.echo("Stopped.", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except GnbError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(2)
    except BrokenPipeError:
        # Python flushes stdout once more at exit; give it somewhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
