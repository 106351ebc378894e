"""The hooks a plugin may implement. Arguments may be added in later versions, never renamed or removed."""

import pluggy

from gnb.core.registry import Register

hookspec = pluggy.HookspecMarker("gnb")
hookimpl = pluggy.HookimplMarker("gnb")


@hookspec
def register_sources(register: Register) -> None:
    """Announce sources: `register("name", "package.module:Class", "One-line summary.")`."""


@hookspec
def register_rewriters(register: Register) -> None:
    """Announce rewriters, as `register_sources`."""


@hookspec
def register_metrics(register: Register) -> None:
    """Announce metrics, as `register_sources`."""
