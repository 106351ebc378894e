"""Settings: `gnb.toml`, profiles and `-o` pairs, merged in one order before anything is validated.

The order, later ones winning: the option model's own defaults, the profile, the component's table in `gnb.toml`,
the table of the named variant, an option of the command that holds for all rewriters, `-o` on the command line.
"""

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict

from pydantic import BaseModel, ConfigDict, StrictInt, ValidationError, with_config

from gnb.core.components import Rewriter
from gnb.core.errors import SettingsError, UnknownNameError, nearest, shown
from gnb.core.profiles import Table, check_profile, merged_profiles
from gnb.core.registry import Kind, Registry

FILE_NAME = "gnb.toml"


class Experiment(BaseModel):
    """One `[experiments.NAME]` table: a comparison with a name. Unset keys take the defaults of `gnb compare`."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    sources: tuple[str, ...] = ()
    rewriters: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    split: str = "test"
    limit: StrictInt | None = None
    seed: StrictInt = 0
    copy_baseline: bool = True


@with_config(ConfigDict(extra="allow"))
class ComponentTable(TypedDict, total=False):
    """Options of one component, which checks them when it is built; `use` names the component of a variant."""

    use: str


class SettingsFile(BaseModel):
    """What a `gnb.toml` may hold. A table `[rewriters.LABEL]` with `use = "NAME"` makes a named variant."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    profile: str = "embedded"
    profiles: dict[str, Table] = {}
    sources: dict[str, ComponentTable] = {}
    rewriters: dict[str, ComponentTable] = {}
    metrics: dict[str, ComponentTable] = {}
    experiments: dict[str, Experiment] = {}
    train: Table = {}


@dataclass(frozen=True, slots=True)
class Choice:
    """One component as the user chose it: a label, the component's name, and its merged option values."""

    kind: Kind
    label: str
    name: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Settings:
    """The merged settings of one command.

    Attributes:
        file: what `gnb.toml` holds.
        profile: the name of the chosen profile.
        overrides: what `-o` sets, by label.
        for_rewriters: values for every rewriter that has such an option.
    """

    file: SettingsFile = field(default_factory=SettingsFile)
    profile: str = "embedded"
    overrides: Mapping[str, Table] = field(default_factory=dict)
    for_rewriters: Mapping[str, Any] = field(default_factory=dict)

    def profile_tables(self) -> Table:
        """Return the tables of the chosen profile.

        Raises:
            UnknownNameError: if there is no such profile.
        """
        profiles = self.profiles()
        if self.profile not in profiles:
            raise UnknownNameError("profile", self.profile, profiles)
        return profiles[self.profile]

    def profiles(self) -> dict[str, Table]:
        """Return the built-in profiles with those of `gnb.toml` laid over them."""
        return merged_profiles(self.file.profiles)

    def choose(self, kind: Kind, text: str, registry: Registry) -> Choice:
        """Resolve `NAME`, `NAME:ARGUMENT` (sources) or `LABEL=NAME` into a component and its merged values.

        Raises:
            UnknownNameError: if nothing goes by that name.
            SettingsError: if the argument is not wanted, or the profile holds a key that no component knows.
        """
        check_profile(self.profile, self.file.profiles.get(self.profile, {}), registry)
        label, name, argument = self._split(kind, text, registry)
        component = registry.get(kind, name).import_class()
        values: Table = {}
        if section := component.options_model.profile_section:
            known = component.options_model.model_fields
            # Several components share a section: only one of those that run a model has an adapter.
            values |= {key: value for key, value in self.profile_tables().get(section, {}).items() if key in known}
        tables: dict[str, Table] = getattr(self.file, f"{kind}s")
        for table in dict.fromkeys((name, label)):
            values |= {key: value for key, value in tables.get(table, {}).items() if key != "use"}
        if argument:
            if component.argument is None:
                raise SettingsError(f"{kind} {name!r} takes no argument, got {shown(argument)}.")
            values[component.argument] = argument
        if kind == "rewriter":
            known = component.options_model.model_fields
            values |= {key: value for key, value in self.for_rewriters.items() if key in known}
        values |= self.overrides.get(label, {})
        return Choice(kind, label, name, values)

    def build_rewriter(self, text: str, registry: Registry, **values: Any) -> Rewriter:
        """Build the only component of a command.

        Args:
            text: as `choose` takes it.
            registry: where the rewriter is found.
            values: options that win over all the settings.

        Raises:
            UnknownNameError, MissingDependencyError, SettingsError, GnbError: as `choose`, `check_overrides` and
                `Registry.create`.
        """
        choice = self.choose("rewriter", text, registry)
        self.check_overrides([choice])
        return registry.create("rewriter", choice.name, {**choice.values, **values})

    def check_overrides(self, choices: Iterable[Choice], *others: str) -> None:
        """Refuse `-o` pairs whose label nothing goes by: neither one of the choices nor one of the other labels.

        Raises:
            SettingsError: naming the nearest label and all there are.
        """
        labels = sorted({*(choice.label for choice in choices), *others})
        for label, table in self.overrides.items():
            if label not in labels:
                hint = f"{nearest(label, labels)} Here are: {', '.join(labels)}."
                raise SettingsError(f"-o {label}.{next(iter(table))}: nothing here is called {label!r}.{hint}")

    def _split(self, kind: Kind, text: str, registry: Registry) -> tuple[str, str, str]:
        head, _, argument = text.partition(":") if kind == "source" else (text, "", "")
        label, _, name = head.strip().partition("=")
        tables: dict[str, Table] = getattr(self.file, f"{kind}s")
        if not label.strip():
            raise SettingsError(f"{text!r} has no name: write NAME or LABEL=NAME.")
        used = tables.get(label, {}).get("use", label)
        if used != label and label in registry.components[kind]:
            raise SettingsError(
                f"[{kind}s.{label}] uses {used!r}, though {label!r} is a {kind} itself. Give the table another name."
            )
        name = name or used
        if name in tables and name not in registry.components[kind] and name != label:
            raise SettingsError(f"{label!r} uses {name!r}, which is a table itself: name the {kind} that it uses.")
        if name not in registry.components[kind]:
            if kind == "source" and Path(text).exists():
                fitting = "prepared" if Path(text).is_dir() else "jsonl, csv, parquet or text"
                raise SettingsError(f"{text!r} names no source. Say how to read it: SOURCE:{text} ({fitting}).")
            raise UnknownNameError(kind, name, {*registry.components[kind], *tables} - {name})
        return label, name, argument


def load_settings(path: Path | None, profile: str | None = None, pairs: tuple[str, ...] = ()) -> Settings:
    """Read `gnb.toml` (the given path, else the one in the working folder, else none) and `-o` pairs.

    Raises:
        SettingsError: if the file is missing, is no TOML or holds unknown keys, or if a pair is malformed.
        UnknownNameError: if there is no such profile.
    """
    file = _read_file(path or Path(FILE_NAME), required=path is not None)
    settings = Settings(file, profile or file.profile, parse_pairs(pairs))
    settings.profile_tables()
    return settings


def parse_pairs(pairs: tuple[str, ...]) -> dict[str, Table]:
    """Turn `LABEL.KEY=VALUE` pairs into tables by label. A value is JSON where it parses as such, else a text.

    Raises:
        SettingsError: if a pair has no label or no `=`.
    """
    tables: dict[str, Table] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        label, dot, key = name.strip().partition(".")
        if not (equals and dot and label and key):
            raise SettingsError(f"-o {shown(pair)}: write LABEL.OPTION=VALUE, such as -o lora.threshold=0.9.")
        tables.setdefault(label, {})[key] = parse_value(value)
    return tables


def parse_value(text: str) -> Any:
    """Read a value of `-o`: JSON where it parses as such (numbers, true, lists), else the text itself."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):  # of what is nested deeply, the component says what it wants instead
        return text


def _read_file(path: Path, *, required: bool) -> SettingsFile:
    if not path.exists() and not required:
        return SettingsFile()
    try:
        return SettingsFile.model_validate(tomllib.loads(path.read_text("utf-8-sig")))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: is not UTF-8 text.") from None
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(path, dict(item)) for item in error.errors())) from None
    except ValueError as error:  # TOMLDecodeError, and what int() says of a number of thousands of digits
        raise SettingsError(f"{path}: is not valid TOML: {error}") from None
    except RecursionError:
        raise SettingsError(f"{path}: is nested too deeply.") from None


def _explain(path: Path, item: dict[str, Any]) -> str:
    place = ".".join(str(part) for part in item["loc"])
    if item["type"] != "extra_forbidden":
        return f"{path}: {place}: {item['msg']}."
    model = Experiment if len(item["loc"]) > 1 else SettingsFile
    known = sorted(model.model_fields)
    return f"{path}: unknown key {place!r}.{nearest(str(item['loc'][-1]), known)} Known here: {', '.join(known)}."
