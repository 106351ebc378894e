"""A check and its outcome, and the case that all checks look at."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from gnb.core.errors import GnbError, ModelError
from gnb.core.options import build_options
from gnb.core.settings import Choice, Settings
from gnb.models.embedded import NAME as EMBEDDED
from gnb.models.loading import check_name, is_hub_id
from gnb.models.options import ModelOptions
from gnb.plugins.manager import Plugins

Level = Literal["ok", "warning", "fails"]


@dataclass(frozen=True, slots=True)
class Check:
    """What was found about one thing.

    Attributes:
        topic: the thing, in a word or two.
        level: ok; a warning, where the run works but less well or not in full; or fails, where it cannot run.
        found: what was found.
        advice: what to do about it, empty if nothing.
    """

    topic: str
    level: Level
    found: str
    advice: str = ""


@dataclass(frozen=True)
class Case:
    """What is examined.

    Attributes:
        settings: with the profile.
        plugins: what is installed.
        rewriters: those of the run to come, `NAME` or `LABEL=NAME` each.
        online: whether the hub may be asked.
        trouble: why the settings file could not be used, empty if it could.
        sizes: of hub models, in bytes, as far as the hub has told them.
    """

    settings: Settings
    plugins: Plugins
    rewriters: tuple[str, ...]
    online: bool = False
    trouble: str = ""
    sizes: dict[str, int] = field(default_factory=dict)

    @cached_property
    def choices(self) -> Mapping[str, Choice]:
        """The rewriters of the run by label, but for those that cannot be chosen: `check_settings` names them."""
        found = {}
        for text in self.rewriters:
            with suppress(GnbError):
                choice = self.settings.choose("rewriter", text, self.plugins.registry)
                found[choice.label] = choice
        return found

    @cached_property
    def local(self) -> Mapping[str, ModelOptions]:
        """The options of those rewriters that run a local model, by label, but for wrong ones."""
        found = {}
        for label, choice in self.choices.items():
            with suppress(GnbError):
                options = self.options(choice)
                if isinstance(options, ModelOptions):
                    found[label] = options
        return found

    def options(self, choice: Choice) -> object:
        """Validate the options of a component, whether or not it could run here.

        Raises:
            SettingsError: if one is wrong.
        """
        model = self.plugins.registry.get(choice.kind, choice.name).import_class().options_model
        return build_options(model, choice.values, f"{choice.kind} {choice.label!r}")

    def base_models(self) -> Iterator[ModelOptions]:
        """Yield the options of each base model once."""
        yield from {(options.base_model, options.revision): options for options in self.local.values()}.values()

    def hub_models(self) -> dict[str, str | None]:
        """Return the base models that the hub would be asked for, and the revision of each."""
        return {each.base_model: each.revision for each in self.base_models() if is_on_hub(each.base_model)}

    def needs_torch(self) -> bool:
        """Tell whether importing torch, which takes seconds, would tell more than a look at the machine."""
        return any(
            each.base_model != EMBEDDED or each.quantisation != "none" or each.device.startswith("cuda")
            for each in self.local.values()
        )


def is_on_hub(model: str) -> bool:
    """Tell whether a model's name is one of the hub, and not that of a folder or file that is not there."""
    try:
        check_name(model)
    except ModelError:
        return False
    return is_hub_id(model)


def gigabytes(size: float) -> str:
    """Return a number of bytes as people write it."""
    return f"{size / 1e9:.1f} GB"
