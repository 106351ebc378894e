"""The base model with a LoRA adapter (Hu et al. 2021, arXiv 2106.09685)."""

from functools import cached_property
from pathlib import Path

from gnb.core.calibration import Calibration
from gnb.core.components import Record
from gnb.core.errors import ModelError
from gnb.models.adapters import adapter_card, adapter_identity, attach_adapter, resolve_adapter, training_keys
from gnb.models.loading import LoadedModel, load_model, model_identity
from gnb.models.prompt import PUBLISHED
from gnb.rewriters.local.options import LoraOptions
from gnb.rewriters.local.rewriter import LocalRewriter


class LoraRewriter(LocalRewriter):
    """Asks the base model with an adapter laid over it. It loads a model of its own: an adapter changes its base."""

    options_model = LoraOptions
    options: LoraOptions

    def template(self) -> str:
        """Return the prompt template: the option's, else the adapter's, else the published one."""
        return self.options.prompt or adapter_card(self._folder).get("prompt") or PUBLISHED

    def calibration(self) -> Calibration:
        """Return the adapter's calibration, as `gnb tune --save` wrote it; else margins are taken as log-odds."""
        return Calibration(**adapter_card(self._folder).get("calibration", {}))

    def fingerprint(self) -> Record:
        """Return the base model's identity, the adapter's, and the settings."""
        return {**super().fingerprint(), **adapter_identity(self._folder)}

    def training_keys(self) -> frozenset[str]:
        """Return the hashes of the texts that the adapter was trained or validated on."""
        return training_keys(self._folder)

    def load(self) -> LoadedModel:
        """Load the base model and lay the adapter over it.

        Raises:
            ModelError: if the adapter was made for another base model.
        """
        name = model_identity(self.options.base_model)["base_model"]
        made_for = adapter_card(self._folder).get("base_model", name)
        if made_for != name:
            raise ModelError(
                f"The adapter {self.options.adapter!r} was made for base model {made_for!r}, "
                f"not {name!r}. Set base_model or adapter so that they fit."
            )
        return attach_adapter(load_model(self.options), self._folder)

    @cached_property
    def _folder(self) -> Path:
        return resolve_adapter(self.options.adapter)
