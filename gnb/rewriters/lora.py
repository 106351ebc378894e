"""The base model with a LoRA adapter (Hu et al. 2021, arXiv 2106.09685)."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from gnb.core.calibration import Calibration
from gnb.core.components import Record
from gnb.core.errors import ModelError
from gnb.core.filehash import hash_files
from gnb.core.lexicon import Lexicon, load_lexicon
from gnb.models.adapters import (
    LEXICON,
    adapter_card,
    adapter_identity,
    adapts_vocabulary,
    attach_adapter,
    check_base,
    resolve_adapter,
    training_keys,
)
from gnb.models.calibrations import stored_calibration
from gnb.models.light import load_light
from gnb.models.loading import LoadedModel, load_model, model_identity
from gnb.models.prompt import PUBLISHED
from gnb.models.quick import load_quick
from gnb.models.vllm import load_vllm
from gnb.rewriters.local.hints import hints_of
from gnb.rewriters.local.lines import Line
from gnb.rewriters.local.options import LoraOptions
from gnb.rewriters.local.rewriter import LocalRewriter

if TYPE_CHECKING:
    from gnb.rewriters.local.rows import Hints


class LoraRewriter(LocalRewriter):
    """Asks the base model with an adapter laid over it. It loads a model of its own: an adapter changes its base."""

    options_model = LoraOptions
    options: LoraOptions

    def template(self) -> str:
        """Return the template of plain prompts: the option's, else the adapter's, else the published one."""
        return self.options.prompt or adapter_card(self._folder).get("prompt") or PUBLISHED

    def is_chat(self) -> bool:
        """Tell whether the model is asked with its chat template; auto asks as the adapter was trained."""
        return self.options.template == "chat"

    def detector_name(self) -> str:
        """Return the detector that the option names."""
        return self.options.detector

    def others(self) -> int:
        """Return how many more answers the option asks for; none where not every line is known to change."""
        return self.options.alternatives if self._has_short_drafts else 0

    def calibration(self) -> Calibration:
        """Return the adapter's calibration, as `gnb tune --save` wrote it; else margins are taken as log-odds."""
        return stored_calibration(self._folder)

    def calibrated_folder(self) -> Path:
        """Return the folder of the detector, if one is used, else that of the adapter."""
        return super().calibrated_folder() or self._folder

    def hints(self, line: Line) -> "Hints":
        """Return where the edits of the adapter's lexicon begin."""
        if not self._lexicon:
            return {}
        return hints_of(
            line.text.strip(),
            self._lexicon,
            self._prompt.tokens_of,
            end=self._prompt.end,
            weight=self.options.lexicon_bonus,
        )

    def fingerprint(self) -> Record:
        """Return the base model's identity, the adapter's, and the settings."""
        bonus = self.options.lexicon_bonus
        lexicon = [bonus, hash_files([self._folder / LEXICON])] if self._lexicon else None
        return {**super().fingerprint(), **adapter_identity(self._folder), "lexicon": lexicon}

    def training_keys(self) -> frozenset[str]:
        """Return the keys of the texts that the adapter was trained or validated on, and of the examples shown."""
        return super().training_keys() | training_keys(self._folder)

    def load(self, *, generates: bool = False, few: bool = False) -> LoadedModel:
        """Load the base model and lay the adapter over it.

        Raises:
            ModelError: if the adapter was made for another base model.
        """
        name = model_identity(self.options.base_model, self.options.revision)["base_model"]
        made_for = adapter_card(self._folder).get("base_model", name)
        if made_for != name:
            raise ModelError(
                f"The adapter {self.options.adapter!r} was made for base model {made_for!r}, "
                f"not {name!r}. Set base_model or adapter so that they fit."
            )
        check_base(self._folder, self.options)
        if self.options.engine == "vllm":
            return load_vllm(self.options, self.options.speculative_tokens, self._folder)
        if few and not generates and (quick := load_quick(self.options, self._folder)):
            return quick
        light = None if generates else load_light(self.options, self._folder)
        loaded = light or load_model(self.options, stored_embeddings=not adapts_vocabulary(self._folder))
        return attach_adapter(loaded, self._folder)

    @property
    def _has_short_drafts(self) -> bool:
        """As in front of any model, but not beside hints, which count where something is drafted."""
        return super()._has_short_drafts and not self._lexicon

    @cached_property
    def _lexicon(self) -> Lexicon | None:
        file = self._folder / LEXICON
        return load_lexicon(file) if self.options.lexicon_bonus and file.is_file() else None

    @cached_property
    def _folder(self) -> Path:
        folder = resolve_adapter(self.options.adapter)
        if adapter_card(folder).get("task", "rewrite") != "rewrite":
            raise ModelError(
                f"{folder} holds a detector, which rewrites nothing. Name it as one (-o lora.detector={folder}), "
                "and as the adapter a folder of `gnb train --to FOLDER`."
            )
        return folder
