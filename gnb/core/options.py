"""Options of a component: one pydantic model validates `gnb.toml`, `-o key=value` and variants alike."""

from collections.abc import Mapping
from typing import Any, ClassVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator

from gnb.core.errors import SettingsError, nearest, shown


class Options(BaseModel):
    """Base of all option models. Unknown keys are errors; each field's description states unit and range.

    Attributes:
        profile_section: the table of a profile whose keys are defaults for these options, None for no table.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, protected_namespaces=())
    profile_section: ClassVar[str | None] = None

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_flags(cls, value: object, info: ValidationInfo) -> object:
        """Refuse true and false as numbers, which pydantic takes for 1 and 0."""
        annotation = cls.model_fields[str(info.field_name)].annotation
        kinds = {annotation, *get_args(annotation)}
        if isinstance(value, bool) and kinds & {int, float} and bool not in kinds:
            raise ValueError("write a number, not true or false")
        return value


def build_options[OptionsT: Options](model: type[OptionsT], values: Mapping[str, Any], owner: str) -> OptionsT:
    """Validate the merged values of a component once.

    Args:
        model: the component's options model.
        values: all values, already merged from profile, file, variant and command line.
        owner: what the options belong to, for messages, such as "rewriter 'lora'".

    Raises:
        SettingsError: naming each bad option, the nearest known one and the values that are accepted.
    """
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(owner, model, dict(item)) for item in error.errors())) from None


def _explain(owner: str, model: type[Options], item: dict[str, Any]) -> str:
    key = ".".join(str(part) for part in item["loc"]) or "options"
    known = sorted(model.model_fields)
    if item["type"] == "missing" and key in known:
        return f"{owner} needs the option {key!r}: {model.model_fields[key].description}"
    if item["type"] == "extra_forbidden":
        return f"{owner} has no option {shown(key)}.{nearest(key, known)} Its options: {', '.join(known) or 'none'}."
    problem = item["msg"].removeprefix("Value error, ")  # what pydantic puts before the words of our own checks
    return f"{owner}, option {key!r}: {problem} (got {shown(item['input'])})."
