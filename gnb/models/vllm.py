"""A local model run by vLLM (Kwon et al. 2023, arXiv 2309.06180): for large corpora on a GPU (extra `vllm`).

It plans its batches itself and drafts from what it has read (n-gram speculation), which suits answers that are mostly
copies of their text.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from gnb.core.errors import MissingDependencyError, ModelError, SettingsError, first_line
from gnb.core.registry import is_installed
from gnb.models.adapters import CONFIG, adapts_vocabulary, check_rank, check_vocabulary
from gnb.models.loading import LoadedModel, load_tokenizer, model_folder
from gnb.models.options import ModelOptions
from gnb.models.placing import context_length, pick_dtype

if TYPE_CHECKING:
    from transformers import PreTrainedModel

INSTALL = "pip install 'gnb[vllm]'"
"""In an environment of its own: it pins torch and many other libraries."""
_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""The ranks of adapters that vLLM sets memory aside for."""
_OWN_AFFAIRS = ("device", "device_map", "max_memory", "attention")
"""Options that vLLM settles itself."""
_QUIET = {"VLLM_NO_USAGE_STATS": "1", "VLLM_DO_NOT_TRACK": "1", "VLLM_LOGGING_LEVEL": "ERROR"}


class VllmModel:
    """A model inside vLLM.

    Args:
        engine: vLLM's `LLM`.
        adapter: vLLM's request for a LoRA adapter; None for the base model.

    Attributes:
        config: the model's configuration, as transformers reads it.
        generation_config: its settings of generation, of which the end tokens are read.
    """

    def __init__(self, engine: Any, adapter: Any = None) -> None:
        from transformers import GenerationConfig

        self.config = engine.model_config.hf_config
        self.generation_config = GenerationConfig(**engine.model_config.try_get_generation_config())
        self._engine, self._adapter = engine, adapter

    def generate(
        self, prompts: Sequence[Sequence[int]], limits: Sequence[int], stop: frozenset[int]
    ) -> list[list[int]]:
        """Answer each prompt greedily.

        Args:
            prompts: the tokens of each whole prompt.
            limits: how many tokens each answer may have at the most.
            stop: tokens that end an answer; they are not part of it.

        Raises:
            ModelError: if vLLM breaks off, as where memory runs out.
        """
        from vllm import SamplingParams

        ends = sorted(stop)
        settings = [
            SamplingParams(temperature=0, max_tokens=limit, stop_token_ids=ends, detokenize=False) for limit in limits
        ]
        asked = [{"prompt_token_ids": list(prompt)} for prompt in prompts]
        try:
            found = self._engine.generate(asked, settings, lora_request=self._adapter, use_tqdm=False)
        except (RuntimeError, ValueError) as error:
            raise ModelError(
                f"vLLM broke off: {first_line(error)}. `gnb compare` keeps what was answered before."
            ) from error
        answers = [list(each.outputs[0].token_ids) for each in found]
        return [answer[:-1] if answer and answer[-1] in stop else answer for answer in answers]

    def close(self) -> None:
        """End vLLM's processes, which hold the model."""
        self._engine.llm_engine.engine_core.shutdown()


def load_vllm(options: ModelOptions, speculative_tokens: int, adapter: Path | None = None) -> LoadedModel:
    """Load a base model into vLLM, with an adapter beside it if one is named.

    Args:
        options: which model and how.
        speculative_tokens: how many tokens are drafted at a time; 0 for none.
        adapter: the folder of a LoRA adapter over linear layers.

    Raises:
        MissingDependencyError: if vLLM is not installed.
        SettingsError: if an option is set that vLLM does not know.
        ModelError: if vLLM cannot load the model.
    """
    check_vllm(options)
    folder = model_folder(options.base_model, options.revision)
    config = _text_config(folder)
    if adapter:
        _check_adapter(adapter, config)
    os.environ.update({key: value for key, value in _QUIET.items() if key not in os.environ})
    tokenizer = load_tokenizer(options.base_model, options.revision)
    from vllm import LLM
    from vllm.lora.request import LoRARequest

    try:
        engine = LLM(model=str(folder), **_arguments(options, config, speculative_tokens, adapter))
    except (RuntimeError, ValueError, OSError) as error:
        raise ModelError(f"vLLM cannot load {options.base_model!r}: {first_line(error)}") from error
    request = LoRARequest("adapter", 1, str(adapter)) if adapter else None
    # it has what a rewriter asks for
    return LoadedModel(cast("PreTrainedModel", VllmModel(engine, request)), tokenizer)


def check_vllm(options: ModelOptions) -> None:
    """Refuse what vLLM cannot do, before anything is loaded.

    Raises:
        MissingDependencyError: if vLLM is not installed.
        SettingsError: if an option is set that vLLM does not know.
    """
    if not is_installed("vllm"):
        raise MissingDependencyError(
            f"engine = 'vllm' needs vLLM and a GPU. Install in an environment of its own: {INSTALL}, or leave engine."
        )
    known = type(options).model_fields
    if foreign := [name for name in _OWN_AFFAIRS if getattr(options, name) != known[name].default]:
        raise SettingsError(
            f"engine = 'vllm' settles {', '.join(foreign)} itself. Leave out {foreign[0]}, or the engine. "
            "(CUDA_VISIBLE_DEVICES in the environment says which GPU is taken.)"
        )
    if options.quantisation == "8bit":
        raise SettingsError("vLLM quantises to 4 bits alone. Set quantisation to 4bit or none, or leave out engine.")


def _arguments(
    options: ModelOptions, config: dict[str, Any], speculative_tokens: int, adapter: Path | None
) -> dict[str, Any]:
    import torch

    drafting = {
        "method": "ngram",
        "num_speculative_tokens": speculative_tokens,
        "prompt_lookup_min": 1,
        "prompt_lookup_max": 4,
    }
    quantised = options.quantisation == "4bit"
    return {
        "skip_tokenizer_init": True,
        "use_tqdm_on_load": False,
        "dtype": str(pick_dtype(options.dtype)).removeprefix("torch."),
        "quantization": "bitsandbytes" if quantised else None,
        "load_format": "bitsandbytes" if quantised else "safetensors",  # never pickled weights, which could run code
        "max_model_len": context_length(options, config.get("max_position_embeddings")),
        "enforce_eager": not torch.cuda.is_available(),
        "speculative_config": drafting if speculative_tokens else None,
        "enable_lora": adapter is not None,
        **({"max_lora_rank": _room_for(adapter)} if adapter else {}),
    }


def _text_config(folder: Path) -> dict[str, Any]:
    """Return the model's configuration; the part for text where it knows images too."""
    found: dict[str, Any] = json.loads((folder / "config.json").read_text("utf-8"))
    text: dict[str, Any] = found.get("text_config", found)
    return text


def _check_adapter(adapter: Path, config: dict[str, Any]) -> None:
    check_rank(adapter)
    if vocabulary := config.get("vocab_size"):
        check_vocabulary(adapter, vocabulary)
    if adapts_vocabulary(adapter):
        raise ModelError(
            f"The adapter in {adapter} changes the model's embeddings or output layer, which vLLM does not take over. "
            "Leave out engine, or train one that changes the linear layers alone."
        )


def _room_for(adapter: Path) -> int:
    rank: int = json.loads((adapter / CONFIG).read_text("utf-8"))["r"]
    return next((room for room in _RANKS if room >= rank), rank)
