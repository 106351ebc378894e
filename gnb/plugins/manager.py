"""Finds plugins through entry points and fills the registry. A broken plugin is reported and skipped."""

import sys
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from importlib.metadata import Distribution, EntryPoint, distributions
from typing import Any

import pluggy

from gnb.core.errors import GnbError, nearest
from gnb.core.registry import KINDS, Component, Kind, Register, Registry
from gnb.plugins import hookspecs

GROUP = "gnb"
HOOKS = tuple(f"register_{kind}s" for kind in KINDS)


@dataclass(frozen=True, slots=True)
class BrokenPlugin:
    """A plugin, or a part of one, that could not be used; the others go on.

    Attributes:
        name: its entry-point name.
        provider: the distribution that brings it, with its version.
        reason: what is wrong, in one line.
        trace: the traceback, empty where nothing was raised.
    """

    name: str
    provider: str
    reason: str
    trace: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entry point of our group and the distribution that declares it, such as "gnb-lexicon 0.1.0"."""

    point: EntryPoint
    provider: str


@dataclass(slots=True)
class Plugins:
    """What discovery found: the registry, the plugin names with their distributions, and what was broken."""

    registry: Registry = field(default_factory=Registry)
    providers: dict[str, str] = field(default_factory=dict)
    broken: list[BrokenPlugin] = field(default_factory=list)


@cache
def installed_plugins() -> Plugins:
    """Load every installed plugin, once a process."""
    plugins = Plugins()
    load_plugins(plugins, find_plugins(plugins))
    return plugins


def find_plugins(plugins: Plugins) -> list[Candidate]:
    """Return our entry points of all distributions, in the order of the path.

    Unlike `importlib.metadata.entry_points`, which one malformed file stops, it notes such a file as broken.
    """
    found: list[Candidate] = []
    for distribution in distributions():
        try:
            points = distribution.entry_points.select(group=GROUP)
        except Exception as error:  # a malformed file may raise anything
            _note(plugins, "?", _describe(distribution), "has a malformed entry_points.txt", error)
            continue
        if points:  # only now: reading a distribution's name means parsing its metadata, which is slow
            provider = _describe(distribution)
            found.extend(Candidate(point, provider) for point in points)
    return found


def load_plugins(plugins: Plugins, candidates: Iterable[Candidate]) -> None:
    """Load plugins, guarding loading, registering and each hook call on its own.

    gnb's own plugin goes first, so that no other can take its names; the rest follow by distribution and name.
    Of a distribution that lies on the path twice, the first counts, as it does for imports.
    """
    unique = {_rank(candidate): candidate for candidate in reversed(list(candidates))}
    for candidate in (unique[rank] for rank in sorted(unique)):
        name, provider = candidate.point.name, candidate.provider
        try:
            with redirect_stdout(sys.stderr):  # what a plugin prints must not end up in our results
                plugin = candidate.point.load()
        except (Exception, SystemExit) as error:
            _note(plugins, name, provider, f"cannot be imported from {candidate.point.value!r}", error)
            continue
        add_plugin(plugins, plugin, name, provider)


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
    mistakes = list(_misnamed_hooks(manager, plugin))
    if not (mistakes or manager.get_hookcallers(plugin)):
        mistakes = [f"implements no hook; the hooks are {', '.join(HOOKS)}"]
    for mistake in mistakes:
        _note(plugins, name, provider, mistake)
    for kind in KINDS:
        _call_hook(plugins, manager, kind, name, provider)


def _call_hook(plugins: Plugins, manager: pluggy.PluginManager, kind: Kind, name: str, provider: str) -> None:
    hook = getattr(manager.hook, f"register_{kind}s")
    try:
        with redirect_stdout(sys.stderr):
            answers = hook(register=_register_for(plugins, kind, name, provider))
    except (Exception, SystemExit) as error:
        _note(plugins, name, provider, f"failed in register_{kind}s", error)
        return
    if answers:
        reason = f"register_{kind}s returned a value; announce components by calling register(...)"
        _note(plugins, name, provider, reason)


def _register_for(plugins: Plugins, kind: Kind, plugin: str, provider: str) -> Register:
    def register(name: str, reference: str, summary: str, *, requires: Sequence[str] = (), install: str = "") -> None:
        several = isinstance(requires, Iterable) and not isinstance(requires, str)
        modules: tuple[Any, ...] = tuple(requires) if several else (requires,)  # the registry checks what they are
        try:
            plugins.registry.add(Component(kind, name, reference, summary, modules, install, provider))
        except GnbError as error:
            _note(plugins, plugin, provider, str(error).rstrip("."))

    return register


def _misnamed_hooks(manager: pluggy.PluginManager, plugin: object) -> Iterator[str]:
    """Yield what pluggy ignores in silence: misspelt hooks, and hooks that lack their mark."""
    for attribute in dir(plugin):
        marked = manager.parse_hookimpl_opts(plugin, attribute) is not None
        if attribute in HOOKS and not marked and callable(getattr(plugin, attribute)):
            yield f"{attribute} lacks the mark @hookimpl (from gnb.plugins import hookimpl)"
        elif attribute not in HOOKS and (marked or get_close_matches(attribute, HOOKS, cutoff=0.85)):
            yield f"implements an unknown hook {attribute!r}.{nearest(attribute, HOOKS)}".rstrip(".")


def _rank(candidate: Candidate) -> tuple[bool, str, str]:
    distribution = candidate.provider.rpartition(" ")[0]
    return distribution != "gnb", distribution, candidate.point.name


def _describe(distribution: Distribution) -> str:
    try:
        name, version = distribution.metadata["Name"], distribution.metadata["Version"]
    except Exception:  # a folder without metadata, left behind by a broken installation
        name, version = None, None
    return f"{name} {version}" if name else f"unnamed distribution in {distribution.locate_file('')}"


def _note(plugins: Plugins, name: str, provider: str, reason: str, error: BaseException | None = None) -> None:
    trace = ""
    if error is not None:
        reason = f"{reason}: {type(error).__name__}: {' '.join(str(error).split())}".rstrip(": ")
        trace = "".join(traceback.format_exception(error))
    plugins.broken.append(BrokenPlugin(name, provider, reason, trace))
