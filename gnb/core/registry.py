"""The registry: which sources, rewriters and metrics exist, who brings them, and how to build one."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal, Protocol, cast, overload

from gnb.core.components import Metric, Rewriter, Source
from gnb.core.errors import GnbError, MissingDependencyError, UnknownNameError
from gnb.core.options import build_options

Kind = Literal["source", "rewriter", "metric"]
KINDS: tuple[Kind, ...] = ("source", "rewriter", "metric")
_BASES: dict[Kind, type[Source] | type[Rewriter] | type[Metric]] = {
    "source": Source,
    "rewriter": Rewriter,
    "metric": Metric,
}
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class Register(Protocol):
    """What a plugin's hook is given to announce its components with."""

    def __call__(
        self, name: str, reference: str, summary: str, *, requires: Sequence[str] = (), install: str = ""
    ) -> None:
        """Announce one component.

        Args:
            name: lower-case letters, digits and hyphens.
            reference: "package.module:Class"; imported only when the component is used.
            summary: one line for lists.
            requires: top-level modules that it imports and that may be absent.
            install: the command that installs what is missing, such as "pip install 'gnb[local]'".

        Raises:
            GnbError: if the name is malformed or taken.
        """
        ...


@dataclass(frozen=True, slots=True)
class Component:
    """One announced component; see `Register` for the fields. `provider` is the distribution that brings it."""

    kind: Kind
    name: str
    reference: str
    summary: str
    requires: tuple[str, ...] = ()
    install: str = ""
    provider: str = ""

    def missing(self) -> list[str]:
        """Return the required modules that are not installed. Imports nothing."""
        return [module for module in self.requires if find_spec(module) is None]

    def load(self) -> type[Any]:
        """Import the component's class.

        Raises:
            MissingDependencyError: if a required module is absent.
            GnbError: if the reference leads nowhere or to something that is no such component.
        """
        if missing := self.missing():
            hint = f" Install: {self.install}" if self.install else ""
            raise MissingDependencyError(f"{self.kind} {self.name!r} needs {', '.join(missing)}.{hint}")
        module_name, _, attribute = self.reference.partition(":")
        try:
            found = getattr(import_module(module_name), attribute)
        except Exception as error:  # a plugin's module may raise anything
            message = f"{self.kind} {self.name!r} of {self.provider} cannot be imported: {error}"
            raise GnbError(message) from error
        if not (isinstance(found, type) and issubclass(found, _BASES[self.kind])):
            raise GnbError(f"{self.kind} {self.name!r}: {self.reference} is no {_BASES[self.kind].__name__} class.")
        return found


@dataclass(slots=True)
class Registry:
    """All announced components by kind and name."""

    components: dict[Kind, dict[str, Component]] = field(default_factory=lambda: {kind: {} for kind in KINDS})

    def add(self, component: Component) -> None:
        """Add a component.

        Raises:
            GnbError: if its name is malformed or taken; the message names the first claimant.
        """
        if not _NAME.fullmatch(component.name):
            raise GnbError(f"{component.kind} name {component.name!r}: use lower-case letters, digits and hyphens.")
        if first := self.components[component.kind].get(component.name):
            raise GnbError(f"{component.kind} {component.name!r} is already provided by {first.provider}.")
        self.components[component.kind][component.name] = component

    def get(self, kind: Kind, name: str) -> Component:
        """Return the component of that name.

        Raises:
            UnknownNameError: naming the nearest names and all that exist.
        """
        found = self.components[kind].get(name)
        if found is None:
            raise UnknownNameError(kind, name, self.components[kind])
        return found

    @overload
    def create(self, kind: Literal["source"], name: str, values: Mapping[str, Any]) -> Source: ...
    @overload
    def create(self, kind: Literal["rewriter"], name: str, values: Mapping[str, Any]) -> Rewriter: ...
    @overload
    def create(self, kind: Literal["metric"], name: str, values: Mapping[str, Any]) -> Metric: ...
    def create(self, kind: Kind, name: str, values: Mapping[str, Any]) -> Source | Rewriter | Metric:
        """Import a component, validate its merged option values and build it.

        Raises:
            UnknownNameError, MissingDependencyError, SettingsError, GnbError: as `get`, `load` and `build_options`.
        """
        component_class = self.get(kind, name).load()
        options = build_options(component_class.options_model, values, f"{kind} {name!r}")
        return cast(Source | Rewriter | Metric, component_class(options))
