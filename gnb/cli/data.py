"""The data that a command takes as a whole: a source, or a folder that `gnb prepare` wrote."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gnb.cli.shared import note_problems

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gnb.core.records import Example
    from gnb.core.settings import Settings


@dataclass(frozen=True, slots=True)
class Data:
    """Examples, and where they are from.

    Attributes:
        name: what to call it: as the user did, but of a folder its parent too, since `data` could be any.
        examples: all of them.
        sources: the names of the sources that it was made of; none if that is not known.
        manifest: the manifest of a prepared folder, also behind a publication; an empty object for other data.
    """

    name: str
    examples: Sequence[Example]
    sources: Sequence[str]
    manifest: dict[str, Any] = field(default_factory=dict)


def read_data(settings: Settings, text: str, *, strict: bool = False) -> Data:
    """Read DATA: NAME, NAME:ARGUMENT, or a folder; what is skipped is said on standard error.

    Raises:
        UnknownNameError, SettingsError, InputError: as `Settings.choose` and `Source.read`.
    """
    from gnb.core.errors import InputError
    from gnb.core.reading import read_source
    from gnb.plugins.manager import installed_plugins

    registry = installed_plugins().registry
    known = text.partition(":")[0] in registry.components["source"]
    if not known and (os.path.isfile(text) or (os.sep in text and not os.path.isdir(text))):
        what = "is a file; name its source too, such as jsonl:" + text if os.path.isfile(text) else "does not exist"
        raise InputError(f"{text}: {what}. DATA is a source or a folder that gnb prepare wrote.")
    named = f"prepared:{text}" if os.path.isdir(text) and not known else text
    choice = settings.choose("source", named, registry)
    settings.check_overrides([choice])
    source = registry.create("source", choice.name, choice.values)
    read, problems = read_source(source, strict=strict)
    examples = list(read)
    note_problems(problems)
    manifest = _manifest(choice.values["path"]) if choice.name == "prepared" else {}
    sources = [each["name"] for each in manifest.get("sources", ())] if choice.name == "prepared" else [choice.name]
    name = "/".join(Path(text).resolve().parts[-2:]) if named != text else text
    return Data(name, examples, sources, manifest)


def _manifest(folder: Any) -> dict[str, Any]:
    import json

    from gnb.core.manifest import MANIFEST, is_manifest
    from gnb.publishing.files import LINES, read_record

    path = Path(folder).expanduser().resolve()
    if is_manifest(path / MANIFEST):
        return dict(json.loads((path / MANIFEST).read_text("utf-8")))
    record = read_record(path.parent) if path.name == LINES else {}
    return _manifest_of(record) if record else {}


def _manifest_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return of a manifest what a publication keeps of it."""
    rules = record["rules"]
    sources = [{"name": name} for name in record["sources"]]
    return {"sources": sources, "rules": rules and {rule: {"changed": count} for rule, count in rules.items()}}
