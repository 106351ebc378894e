"""What can be said of a component: whether it can run here, and its options, read from its pydantic model."""

import re
from dataclasses import dataclass
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined, to_json

from gnb.core.options import Options
from gnb.core.registry import KINDS, Component, Registry, is_installed

READY = "ready"
_MODULE = re.compile(r"(?P<quoted>'[^']*')|\b(?:[a-z_]\w*\.)+(?=\w)")
_LITERAL = re.compile(r"Literal\[([^\]]*)\]")


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a component: its name, type, default (as JSON, or "required") and description."""

    name: str
    type: str
    default: str
    description: str


def all_components(registry: Registry) -> list[Component]:
    """Return every component: sources, then rewriters, then metrics, each by name."""
    return [registry.components[kind][name] for kind in KINDS for name in sorted(registry.components[kind])]


def status_of(component: Component) -> str:
    """Return "ready", or in a few words why the component cannot run here. Does not import it."""
    if missing := component.missing():
        return f"needs {', '.join(missing)}"
    module = component.reference.partition(":")[0]
    return READY if is_installed(module) else f"broken: there is no module {module}"


def options_of(model: type[Options]) -> list[Option]:
    """Return the options that a model declares, in its order."""
    return [
        Option(name, _type_name(field.annotation), _default(field), " ".join((field.description or "").split()))
        for name, field in model.model_fields.items()
    ]


def _type_name(annotation: Any) -> str:
    if isinstance(annotation, type) and not hasattr(annotation, "__args__"):
        return annotation.__name__
    text = _MODULE.sub(lambda match: match["quoted"] or "", str(annotation))
    return _LITERAL.sub(lambda match: match[1].replace(", ", " | "), text)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    return "" if value is PydanticUndefined else to_json(value, fallback=str).decode()
