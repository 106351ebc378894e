"""LoRA adapters: finding one, knowing what it was trained on, laying it over a base model."""

import json
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from gnb.core.errors import ModelError, first_line
from gnb.core.filehash import hash_files
from gnb.models.loading import LoadedModel, weights_identity
from gnb.models.merging import is_plain_adapter, merge_plain
from gnb.models.options import ModelOptions

if TYPE_CHECKING:
    from peft import PeftModel

EMBEDDED = "embedded"
CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
CARD = "gnb.json"
KEYS = "training_keys.txt"
LEXICON = "lexicon.tsv"
_FIRST = ".lora_A.weight"
"""How the names of first matrices end, whose rows are the rank."""
_NOTED: dict[str, type] = {"base_model": str, "base_weights": dict, "prompt": str, "task": str, "vocabulary": int}
"""What gnb reads of a note, and its kind."""
_MAKERS = {"adapter": "gnb train", "detector": "gnb train --task detect"}


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
            f"There is no {kind} in {str(folder)!r}: no {' and no '.join(absent)}. "
            f"Give 'embedded' or a folder that `{_MAKERS[kind]} --to FOLDER` wrote."
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
    card = _read_object(file) if file.is_file() else {}
    for name, kind in _NOTED.items():
        if not isinstance(card.get(name), kind | None):
            raise ModelError(f"{file} is damaged ({name} is {card[name]!r}); train the adapter again.")
    return card


def _read_object(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{file} is damaged ({first_line(error)}); train the adapter again.") from None
    if not isinstance(found, dict):
        raise ModelError(f"{file} is damaged (it holds no JSON object); train the adapter again.")
    return found


def check_base(folder: Path, options: ModelOptions) -> None:
    """Refuse an adapter that learnt on other weights than those it is laid over: it would fit, and make no sense.

    Adapters of which nobody noted the weights pass.

    Raises:
        ModelError: if they differ; the message says what helps.
    """
    learnt = adapter_card(folder).get("base_weights") or {}
    found = weights_identity(options.base_model, options.revision) if learnt else {}
    for key in learnt.keys() & found.keys():
        if learnt[key] != found[key]:
            advice = f"set revision to {learnt[key]}" if key == "revision" else "set base_model to those"
            raise ModelError(
                f"The adapter in {folder} was trained on other weights than those of {options.base_model!r} "
                f"({key} {learnt[key]}, here {found[key]}): {advice}, or train it anew."
            )


def training_keys(folder: Path) -> frozenset[str]:
    """Return the hashes of the texts that an adapter was trained or validated on, as far as it says.

    Raises:
        ModelError: if the file that holds them is damaged.
    """
    file = folder / KEYS
    try:
        return frozenset(file.read_text("utf-8").split()) if file.is_file() else frozenset()
    except UnicodeDecodeError as error:
        raise ModelError(f"{file} is damaged ({first_line(error)}); train the adapter again.") from None


def adapts_vocabulary(folder: Path) -> bool:
    """Tell whether an adapter changes embeddings or output layer, so that they cannot stay as they are stored."""
    names = _weight_names(folder)
    return names is None or any("embed" in name or "lm_head" in name for name in names)


def brings_classifier(folder: Path) -> bool:
    """Tell whether an adapter's weights hold the layer that classifies, or cannot be read at all."""
    names = _weight_names(folder)
    return names is None or any(name.endswith("score.weight") for name in names)


def _weight_names(folder: Path) -> list[str] | None:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(folder / WEIGHTS, framework="np") as weights:  # names alone, which need no torch
            return list(weights.keys())
    except SafetensorError:
        return None


def attach_adapter(loaded: LoadedModel, folder: Path) -> LoadedModel:
    """Lay an adapter over a freshly loaded base model, which it changes; merge it where the weights are not quantised.

    Raises:
        ModelError: as `lay_adapter`.
    """
    from gnb.models.gemma import Gemma

    check_vocabulary(folder, loaded.model.get_input_embeddings().weight.shape[0])
    check_rank(folder)
    quantised = getattr(loaded.model, "is_quantized", False)
    if not quantised and merge_plain(loaded.model, folder / CONFIG, folder / WEIGHTS):
        return loaded
    if isinstance(loaded.model, Gemma):  # for plain adapters alone, so nothing else is wrong with this one
        raise ModelError(f"The adapter in {folder} does not fit the base model or is damaged.")
    tuned = lay_adapter(loaded, folder)
    if quantised:
        return LoadedModel(tuned.get_base_model().eval(), loaded.tokenizer)
    return LoadedModel(tuned.merge_and_unload().eval(), loaded.tokenizer)


def lay_adapter(loaded: LoadedModel, folder: Path, *, trainable: bool = False) -> "PeftModel":
    """Lay an adapter over a freshly loaded base model, as matrices of its own.

    Raises:
        ModelError: if the adapter was made for another model or its files are damaged.
    """
    from peft import PeftModel

    check_vocabulary(folder, loaded.model.get_input_embeddings().weight.shape[0])
    check_rank(folder)
    try:
        tuned = PeftModel.from_pretrained(loaded.model, str(folder), local_files_only=True, is_trainable=trainable)
    except Exception as error:  # files of strangers may lead peft anywhere
        reason = first_line(error)
        raise ModelError(f"The adapter in {folder} does not fit the base model or is damaged: {reason}") from error
    # or peft asks the hub for a model of the name that the adapter's maker gave it, whenever it saves a checkpoint
    tuned.peft_config["default"].base_model_name_or_path = loaded.model.name_or_path
    return tuned


def check_vocabulary(folder: Path, found: int) -> None:
    """Refuse an adapter that learnt other tokens: its matrices may well fit, and its answers would make no sense.

    Args:
        folder: the adapter.
        found: how many tokens the model has.

    Raises:
        ModelError: if it learnt another number of them.
    """
    learnt = adapter_card(folder).get("vocabulary", found)
    if learnt != found:
        raise ModelError(
            f"The adapter in {folder} does not fit the base model: it learnt a vocabulary of {learnt} tokens, "
            f"the model has {found}."
        )


def check_rank(folder: Path) -> None:
    """Refuse an adapter of another kind than LoRA, or whose settings name another rank than its matrices have.

    The scale of the matrices follows from the rank, so the wrong one gives another model without a word. Adapters that
    are not plain, as with ranks that differ from layer to layer, are left to peft.

    Raises:
        ModelError: saying which of the two.
    """
    settings = _read_object(folder / CONFIG)
    if settings.get("peft_type") != "LORA":
        raise ModelError(f"The adapter in {folder} is none of LoRA: peft_type is {settings.get('peft_type')!r}.")
    rank = settings.get("r")
    others = {found for found in _ranks(folder) if found != rank} if is_plain_adapter(folder / CONFIG) else set()
    if others:
        raise ModelError(
            f"The adapter in {folder} is damaged: its {CONFIG} says r = {rank!r}, its matrices have rank {min(others)}."
        )


def _ranks(folder: Path) -> set[int]:
    """Return the ranks of an adapter's matrices; none if they cannot be read, which loading them will tell."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(folder / WEIGHTS, framework="np") as weights:
            names = [name for name in list(weights.keys()) if name.endswith(_FIRST)]
            return {weights.get_slice(name).get_shape()[0] for name in names}
    except (SafetensorError, IndexError):
        return set()
