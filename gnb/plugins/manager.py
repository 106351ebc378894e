"""Finds plugins through entry points and fills the registry. A broken plugin is reported and skipped."""

import traceback
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import EntryPoint, entry_points

import pluggy

from gnb.core.registry import KINDS, Component, Kind, Register, Registry
from gnb.plugins import hookspecs

GROUP = "gnb"


@dataclass(frozen=True, slots=True)
class BrokenPlugin:
    """A plugin, or one of its hooks, that could not be used; the others go on."""

    name: str
    provider: str
    reason: str
    trace: str = ""


@dataclass(slots=True)
class Plugins:
    """What discovery found: the registry, the plugin names with their distributions, and what was broken."""

    registry: Registry = field(default_factory=Registry)
    providers: dict[str, str] = field(default_factory=dict)
    broken: list[BrokenPlugin] = field(default_factory=list)


@cache
def installed_plugins() -> Plugins:
    """Load every installed plugin, once a process."""
    return load_plugins(entry_points(group=GROUP))


def load_plugins(points: Iterable[EntryPoint]) -> Plugins:
    """Load plugins from entry points, guarding loading, registering and each hook call on its own.

    gnb's own plugin goes first, so that no other can take its names; the rest follow by distribution and name.
    """
    plugins = Plugins()
    for point in sorted(points, key=_rank):
        provider = _provider(point)
        try:
            plugin = point.load()
        except BaseException as error:
            _note(plugins, point.name, provider, "cannot be imported", error)
            continue
        add_plugin(plugins, plugin, point.name, provider)
    return plugins


def add_plugin(plugins: Plugins, plugin: object, name: str, provider: str) -> None:
    """Call one plugin's hooks and add what they announce; what fails is noted in `plugins.broken`."""
    if name in plugins.providers:
        _note(plugins, name, provider, f"has the entry-point name of {plugins.providers[name]}")
        return
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    try:
        manager.register(plugin, name)
    except Exception as error:  # pluggy refuses hooks that ask for unknown arguments
        _note(plugins, name, provider, "cannot be registered", error)
        return
    plugins.providers[name] = provider
    for hook in _unknown_hooks(manager, plugin):
        _note(plugins, name, provider, f"implements an unknown hook {hook!r}")
    for kind in KINDS:
        _call_hook(plugins, manager, kind, name, provider)


def _call_hook(plugins: Plugins, manager: pluggy.PluginManager, kind: Kind, name: str, provider: str) -> None:
    hook = getattr(manager.hook, f"register_{kind}s")
    try:
        hook(register=_register_for(plugins, kind, name, provider))
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        _note(plugins, name, provider, f"failed in register_{kind}s", error)


def _register_for(plugins: Plugins, kind: Kind, plugin: str, provider: str) -> Register:
    def register(name: str, reference: str, summary: str, *, requires: Sequence[str] = (), install: str = "") -> None:
        plugins.registry.add(Component(kind, name, reference, summary, tuple(requires), install, provider))

    return register


def _unknown_hooks(manager: pluggy.PluginManager, plugin: object) -> Iterator[str]:
    known = {f"register_{kind}s" for kind in KINDS}
    for attribute in dir(type(plugin)) if not hasattr(plugin, "__dict__") else vars(plugin):
        marked = manager.parse_hookimpl_opts(plugin, attribute) is not None
        if attribute not in known and (marked or attribute.startswith("register_")):
            yield attribute


def _rank(point: EntryPoint) -> tuple[bool, str, str]:
    provider = _provider(point)
    return provider.split(" ")[0] != "gnb", provider, point.name


def _provider(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.value


def _note(plugins: Plugins, name: str, provider: str, reason: str, error: BaseException | None = None) -> None:
    if isinstance(error, KeyboardInterrupt):
        raise error
    detail = f"{reason}: {error or type(error).__name__}" if error is not None else reason
    trace = "".join(traceback.format_exception(error)) if error is not None else ""
    plugins.broken.append(BrokenPlugin(name, provider, detail, trace))
