"""`gnb plugins`: which sources, rewriters and metrics there are, who brings them, and whether they can run here."""

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gnb.core.registry import Component
    from gnb.plugins.manager import Plugins


@click.command()
@click.argument("name", required=False)
@click.option("--traceback", "with_trace", is_flag=True, help="Show the tracebacks of broken plugins.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
def plugins(name: str | None, with_trace: bool, as_json: bool) -> None:
    """List every source, rewriter and metric: who brings it, and whether it can run here.

    With a NAME, show that component and its options, which are set in gnb.toml or by -o NAME.OPTION=VALUE.
    """
    from gnb.plugins.manager import installed_plugins

    found = installed_plugins()
    if name is not None:
        _show_named(found, name, as_json=as_json)
    elif as_json:
        _write_json(_list_record(found, with_trace=with_trace))
    else:
        _show_list(found, with_trace=with_trace)


def _show_list(found: "Plugins", *, with_trace: bool) -> None:
    record = _list_record(found, with_trace=with_trace)
    rows = [
        (row["kind"], row["name"], row["status"], row["provider"], row["summary"], row["install"])
        for row in record["components"]
    ]
    rows += [("plugin", row["name"], "broken", row["provider"], row["reason"], "") for row in record["broken"]]
    _write_table(("kind", "name", "status", "provided by", "summary", "install"), rows)
    for row in record["broken"]:
        if trace := row.get("traceback"):
            click.echo(f"\nPlugin {row['name']!r} of {row['provider']}:\n{trace}", nl=False)


def _show_named(found: "Plugins", name: str, *, as_json: bool) -> None:
    """Write the components of one name; a source and a metric may share it."""
    from gnb.core.errors import UnknownNameError
    from gnb.plugins.describe import all_components

    components = all_components(found.registry)
    records = [_option_record(component) for component in components if component.name == name]
    if not records:
        raise UnknownNameError("component", name, {component.name for component in components})
    if as_json:
        _write_json({"components": records})
        return
    for row in records:
        click.echo(f"{row['kind']} {row['name']}: {row['summary']}")
        click.echo(f"provided by {row['provider']} ({row['reference']}); {row['status']}")
        if row["install"]:
            click.echo(f"install what is missing: {row['install']}")
        if row["argument"]:
            click.echo(f"{row['name']}:ARGUMENT sets the option {row['argument']}")
        options = [(item["name"], item["type"], item["default"], item["description"]) for item in row["options"]]
        if options:
            _write_table(("option", "type", "default", "description"), options)
        else:
            click.echo("It has no options.")


def _list_record(found: "Plugins", *, with_trace: bool) -> dict[str, Any]:
    from gnb.plugins.describe import all_components

    broken = [
        {"name": plugin.name, "provider": plugin.provider, "reason": plugin.reason}
        | ({"traceback": plugin.trace} if with_trace else {})
        for plugin in found.broken
    ]
    return {"components": [_record(component) for component in all_components(found.registry)], "broken": broken}


def _record(component: "Component") -> dict[str, Any]:
    from gnb.plugins.describe import status_of

    return {
        "kind": component.kind,
        "name": component.name,
        "summary": component.summary,
        "provider": component.provider,
        "reference": component.reference,
        "status": status_of(component),
        "missing": component.missing(),
        "install": component.install_command(),
    }


def _option_record(component: "Component") -> dict[str, Any]:
    from dataclasses import asdict

    from gnb.plugins.describe import options_of

    component_class = component.import_class()
    return _record(component) | {
        "argument": getattr(component_class, "argument", None),
        "profile_section": component_class.options_model.profile_section,
        "options": [asdict(option) for option in options_of(component_class.options_model)],
    }


def _write_table(titles: "Sequence[str]", rows: "Iterable[Sequence[str]]") -> None:
    """Write a table on a terminal, and plain lines with tabs, without titles, into a pipe or a file."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if not console.is_terminal:
        for row in rows:
            click.echo("\t".join(row))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in titles:
        table.add_column(title, overflow="fold", no_wrap=title in ("name", "install", "option"))
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)


def _write_json(record: dict[str, Any]) -> None:
    click.echo(json.dumps(record, ensure_ascii=False, indent=2))
