"""LoRA adapters: finding one, knowing what it was trained on, laying it over a base model."""

import json
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from gnb.core.errors import ModelError
from gnb.core.filehash import hash_files
from gnb.models.loading import LoadedModel

EMBEDDED = "embedded"
CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
CARD = "gnb.json"
KEYS = "training_keys.txt"


def resolve_adapter(name: str, kind: Literal["adapter", "detector"] = "adapter") -> Path:
    """Return the folder of an adapter: "embedded" for the one that ships, else a local folder.

    Args:
        name: "embedded" or a folder.
        kind: which of the shipped adapters "embedded" means.

    Raises:
        ModelError: if there is no adapter there.
    """
    folder = Path(str(resources.files("gnb").joinpath("data", kind))) if name == EMBEDDED else Path(name)
    absent = [file for file in (CONFIG, WEIGHTS) if not (folder / file).is_file()]
    if absent:
        raise ModelError(
            f"There is no adapter in {str(folder)!r}: no {' and no '.join(absent)}. "
            f"Give 'embedded' or a folder that `gnb train --to FOLDER` wrote."
        )
    return folder


def adapter_identity(folder: Path) -> dict[str, Any]:
    """Return what identifies an adapter's weights, without loading them."""
    return {"adapter": hash_files([folder / CONFIG, folder / WEIGHTS])}


def adapter_card(folder: Path) -> dict[str, Any]:
    """Return what `gnb train` noted beside an adapter (prompt, base model, settings); empty for a stranger's.

    Raises:
        ModelError: if the note is damaged.
    """
    file = folder / CARD
    if not file.is_file():
        return {}
    try:
        return dict(json.loads(file.read_text("utf-8")))
    except ValueError as error:
        raise ModelError(f"{file} is damaged ({error}); train the adapter again.") from None


def training_keys(folder: Path) -> frozenset[str]:
    """Return the hashes of the texts that an adapter was trained or validated on, as far as it says."""
    file = folder / KEYS
    return frozenset(file.read_text("utf-8").split()) if file.is_file() else frozenset()


def attach_adapter(loaded: LoadedModel, folder: Path) -> LoadedModel:
    """Lay an adapter over a freshly loaded base model, which it changes; merge it where the weights are not quantised.

    Raises:
        ModelError: if the adapter was made for another model.
    """
    from peft import PeftModel

    try:
        tuned = PeftModel.from_pretrained(loaded.model, str(folder), local_files_only=True)
    except (RuntimeError, ValueError, KeyError) as error:
        first = str(error).strip().splitlines()[0]
        raise ModelError(f"The adapter in {folder} does not fit the base model: {first}") from error
    if getattr(loaded.model, "is_quantized", False):
        return LoadedModel(tuned.get_base_model().eval(), loaded.tokenizer)
    return LoadedModel(tuned.merge_and_unload().eval(), loaded.tokenizer)
