"""Profiles: the built-in ones, those of `gnb.toml` laid over them, and what their sections may hold."""

import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Any

from gnb.core.errors import GnbError, SettingsError, nearest
from gnb.core.registry import Registry

Table = dict[str, Any]
SUMMARY = "summary"
"""The key of a profile that is no section: one line that tells what it is for."""


def merged_profiles(own: Mapping[str, Table]) -> dict[str, Table]:
    """Return the built-in profiles with the user's own laid over them, key by key."""
    merged = tomllib.loads(resources.files("gnb").joinpath("profiles.toml").read_text("utf-8"))
    for name, tables in own.items():
        known = merged.setdefault(name, {})
        for section, value in tables.items():
            below = known.get(section, {})
            known[section] = {**below, **value} if isinstance(value, dict) and isinstance(below, dict) else value
    return merged


def check_profile(name: str, tables: Table, registry: Registry) -> None:
    """Refuse what no component reads. A section serves several, each of which takes the keys that it knows.

    Args:
        name: of the profile.
        tables: what `gnb.toml` says of it.
        registry: the components, those of plugins included.

    Raises:
        SettingsError: naming the first wrong section or key and the nearest right one.
    """
    if not tables:
        return  # the usual case, in which no component need be imported
    try:
        known = _known_keys(registry)
    except GnbError:
        return  # a broken plugin may well know the key
    for section, table in tables.items():
        if section == SUMMARY:
            if not isinstance(table, str):
                raise SettingsError(f"profile {name!r}: summary must be one line of text.")
            continue
        if section not in known:
            names = sorted([*known, SUMMARY])
            raise SettingsError(
                f"profile {name!r} has an unknown section {section!r}.{nearest(section, names)} "
                f"Known: {', '.join(names)}."
            )
        if not isinstance(table, dict):
            raise SettingsError(f"profile {name!r}: {section} must be a table, [profiles.{name}.{section}].")
        for key in table.keys() - known[section]:
            options = sorted(known[section])
            raise SettingsError(
                f"profile {name!r}, section {section!r}: no component has an option {key!r}.{nearest(key, options)} "
                f"Known: {', '.join(options)}."
            )


def _known_keys(registry: Registry) -> dict[str, set[str]]:
    """Return the option names that the components of each section have.

    Raises:
        GnbError: if a component cannot be imported.
    """
    known: dict[str, set[str]] = {}
    for components in registry.components.values():
        for component in components.values():
            model = component.import_class().options_model
            if model.profile_section:
                known.setdefault(model.profile_section, set()).update(model.model_fields)
    return known
