"""The registry: which sources, rewriters and metrics exist, who brings them, and how to build one."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal, Protocol, cast, overload

from gnb.core.components import Metric, Rewriter, Source
from gnb.core.errors import GnbError, MissingDependencyError, UnknownNameError, shown
from gnb.core.options import Options, build_options

Kind = Literal["source", "rewriter", "metric"]
KINDS: tuple[Kind, ...] = ("source", "rewriter", "metric")
_BASES: dict[Kind, type[Source] | type[Rewriter] | type[Metric]] = {
    "source": Source,
    "rewriter": Rewriter,
    "metric": Metric,
}
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_REFERENCE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")


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

        A malformed or taken name, or another field that is wrong, costs the plugin this component alone:
        it is listed as broken, and the call returns.
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
        return [module for module in self.requires if not is_installed(module)]

    def install_command(self) -> str:
        """Return the command that installs what is missing, an empty string if nothing is."""
        missing = self.missing()
        return (self.install or f"pip install {' '.join(missing)}") if missing else ""

    def load(self) -> type[Any]:
        """Import the component's class, ready to be built.

        Raises:
            MissingDependencyError: if a required module is absent.
            GnbError: as `import_class`.
        """
        if missing := self.missing():
            needs = f"{self.kind} {self.name!r} needs {', '.join(missing)}."
            raise MissingDependencyError(f"{needs} Install: {self.install_command()}")
        return self.import_class()

    def import_class(self) -> type[Any]:
        """Import the component's class even if it could not run here, to read its options.

        Raises:
            GnbError: if the reference leads nowhere or to something that is no such component.
        """
        module_name, _, attribute = self.reference.partition(":")
        try:
            found = getattr(import_module(module_name), attribute)
        except (Exception, SystemExit) as error:  # a plugin's module may raise anything
            message = f"{self.kind} {self.name!r} of {self.provider} cannot be imported: {error}"
            raise GnbError(message) from error
        if problem := _unusable(found, _BASES[self.kind]):
            raise GnbError(f"{self.kind} {self.name!r} of {self.provider}: {self.reference} {problem}.")
        return cast(type[Any], found)


@dataclass(slots=True)
class Registry:
    """All announced components by kind and name."""

    components: dict[Kind, dict[str, Component]] = field(default_factory=lambda: {kind: {} for kind in KINDS})

    def add(self, component: Component) -> None:
        """Add a component.

        Raises:
            GnbError: if a field is malformed, or the name taken; the message names the first claimant.
        """
        if problem := _malformed(component):
            raise GnbError(f"{component.kind} {component.name!r}: {problem}.")
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


def is_installed(module: str) -> bool:
    """Return whether a module can be found. Of a dotted name, what comes before the last dot is imported."""
    try:
        return find_spec(module) is not None
    except Exception:  # no parent package, a parent that raises, a module without a specification
        return False


def _unusable(found: object, base: type[Source] | type[Rewriter] | type[Metric]) -> str:
    if not (isinstance(found, type) and issubclass(found, base)):
        return f"is no {base.__name__} class"
    if lacking := sorted(found.__abstractmethods__):
        return f"does not implement {', '.join(lacking)}"
    if not (isinstance(found.options_model, type) and issubclass(found.options_model, Options)):
        return "has an options_model that is no subclass of gnb.core.options.Options"
    return ""


def _malformed(component: Component) -> str:
    if not all(isinstance(module, str) for module in component.requires):
        return "requires must hold the names of modules"
    for key in ("name", "reference", "summary", "install"):
        if not isinstance(value := getattr(component, key), str):
            return f"{key} must be a text, got {shown(value)}"
    if not _NAME.fullmatch(component.name):
        return "the name may hold lower-case letters, digits and single hyphens"
    if not _REFERENCE.fullmatch(component.reference):
        return f"the reference {component.reference!r} is not of the form 'package.module:Class'"
    if not component.summary.strip() or len(component.summary.splitlines()) > 1:
        return "the summary must be one line of text"
    return ""
