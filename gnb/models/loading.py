"""Finds a base model by name and loads it with its tokenizer. No request leaves unless the user named a hub model."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gnb.core.errors import ModelError
from gnb.core.filehash import hash_files
from gnb.models import embedded
from gnb.models.explaining import LOCAL, SAFE, check_complete, check_settings, explained
from gnb.models.gguf import gguf_folder, is_gguf
from gnb.models.hub import ANY_WEIGHTS, SAFETENSORS, TOKENIZERS, commit_of, has_all_weights, hub_folder
from gnb.models.options import ModelOptions
from gnb.models.placing import attention, pick_device, pick_dtype, placement
from gnb.models.quantising import quantisation
from gnb.models.quiet import quiet_transformers

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_IDENTIFYING = (*ANY_WEIGHTS, "*.gguf", "*.json", *TOKENIZERS)


@dataclass(slots=True)
class LoadedModel:
    """A base model ready to run, and its tokenizer (padding on the left, with a padding token)."""

    model: "PreTrainedModel"
    tokenizer: "PreTrainedTokenizerBase"

    def close(self) -> None:
        """End the processes of a model that has some of its own."""
        if close := getattr(self.model, "close", None):
            close()


def is_hub_id(name: str) -> bool:
    """Tell whether a model name means the hub: neither "embedded" nor an existing folder or GGUF file."""
    return name != embedded.NAME and not Path(name).is_dir() and not is_gguf(name)


def model_folder(name: str, revision: str | None = None, *, weights: Sequence[str] = SAFETENSORS) -> Path:
    """Return the folder that transformers loads a model from; what has to be fetched or converted is so at first use.

    Args:
        name: as `ModelOptions.base_model`.
        revision: of a hub model.
        weights: as `hub_folder`.

    Raises:
        ModelError: if there is no such model, or it cannot be fetched or converted, or lacks one of its parts.
    """
    if name == embedded.NAME:
        return embedded.embedded_folder()
    if is_gguf(name):
        return gguf_folder(Path(name))
    check_name(name)
    folder = hub_folder(name, revision, weights=weights) if is_hub_id(name) else Path(name)
    _check_parts(name, folder, weights)
    return folder


def check_name(name: str) -> None:
    """Refuse a model name that can mean nothing.

    Raises:
        ModelError: if it is empty, or looks like a folder or file that does not exist, and not like a hub id.
    """
    is_odd = name.startswith((".", "/", "~")) or name.count("/") != 1 or name.endswith(".gguf")
    if not name.strip() or (is_odd and is_hub_id(name)):  # an empty path is the current folder
        raise ModelError(
            f"There is no model folder or GGUF file {name!r}. Give 'embedded', an existing folder or .gguf file, or a "
            "hub id (owner/name)."
        )


def _check_parts(name: str, folder: Path, weights: Sequence[str]) -> None:
    """Refuse a folder that lacks something, before a library says so in its own words."""
    if not (folder / "config.json").is_file():
        if any(folder.glob("adapter_config.json")):
            raise ModelError(f"{name!r} is an adapter, not a model: set adapter to it, and base_model to its base.")
        raise ModelError(f"The model {name!r} cannot be loaded: there is no config.json in {folder}.")
    check_settings(name, folder)
    if weights and not has_all_weights(folder, weights):
        pickled = " Pickled weights (.bin, .pt) could run code and are refused." if _is_pickled(folder) else ""
        raise ModelError(
            f"The model {name!r} cannot be loaded: weights are lacking, there are not all of its .safetensors in "
            f"{folder}.{pickled}"
        )


def _is_pickled(folder: Path) -> bool:
    return any(file.suffix in (".bin", ".pt", ".pth") for file in folder.iterdir())


def model_identity(name: str, revision: str | None = None) -> dict[str, Any]:
    """Return what identifies a model's weights, without loading them: for fingerprints.

    Raises:
        ModelError: if there is no such model, or nobody knows the commit of a hub model.
    """
    if name == embedded.NAME:
        return embedded.embedded_identity()
    check_name(name)
    if is_gguf(name):
        return {"base_model": Path(name).stem, "files": hash_files([Path(name)])}
    if is_hub_id(name):
        return {"base_model": name, "revision": commit_of(name, revision)}
    folder = Path(name)
    files = {file for pattern in _IDENTIFYING for file in folder.glob(pattern)}
    return {"base_model": folder.resolve().name, "files": hash_files(files)}


def weights_identity(name: str, revision: str | None = None) -> dict[str, Any]:
    """Return what identifies the weights of a model alone, whatever lies beside them, without loading them.

    Raises:
        ModelError: as `model_identity`.
    """
    if name == embedded.NAME or is_hub_id(name):
        found = model_identity(name, revision)
        return {key: value for key, value in found.items() if key in ("package", "revision")}
    check_name(name)
    return {"weights": hash_files([Path(name)] if is_gguf(name) else Path(name).glob("*.safetensors"))}


def load_model(options: ModelOptions, *, stored_embeddings: bool = False) -> LoadedModel:
    """Load base model and tokenizer.

    Args:
        options: which model and how.
        stored_embeddings: where the embedded model is to run in float32 on a CPU, keep its embeddings as they are
            stored (see `gnb.models.stored`): the same answers in half the memory, but not for training embeddings.

    Raises:
        ModelError: if they are not there, or cannot be reached or loaded; the message says where they were looked
            for and what helps.
        MissingDependencyError: if the quantisation needs a package that is not installed.
        SettingsError: if there is no such device.
    """
    quiet_transformers()
    from transformers import AutoModelForCausalLM

    tokenizer = load_tokenizer(options.base_model, options.revision)
    if stored_embeddings and _can_keep_embeddings(options):
        from gnb.models.stored import load_stored

        with explained(options.base_model):
            return LoadedModel(load_stored(embedded.embedded_folder(), AutoModelForCausalLM).eval(), tokenizer)
    return LoadedModel(load_weights(options, AutoModelForCausalLM), tokenizer)


def load_weights(options: ModelOptions, auto_class: Any, **settings: Any) -> "PreTrainedModel":
    """Load a model through transformers, quantised and placed as the options say, ready to run.

    Args:
        options: which model and how.
        auto_class: the class of transformers that picks the architecture.
        settings: of the model's configuration.

    Raises:
        ModelError, MissingDependencyError, SettingsError: as `load_model`.
    """
    arguments = {**placement(options), **attention(options), **quantisation(options), **LOCAL, **SAFE, **settings}
    device = None if "device_map" in arguments else pick_device(options.device)  # a wrong one is told at once
    folder = model_folder(options.base_model, options.revision)
    dtype = pick_dtype(options.dtype)
    with explained(options.base_model):
        model, info = auto_class.from_pretrained(folder, dtype=dtype, output_loading_info=True, **arguments)
        check_complete(options.base_model, info["missing_keys"])
        if device:
            model = model.to(device)
    found: PreTrainedModel = model.eval()
    return found


def _can_keep_embeddings(options: ModelOptions) -> bool:
    import torch

    wanted = pick_dtype(options.dtype) == torch.float32 and pick_device(options.device) == "cpu"
    return wanted and asks_embedded_alone(options)


def asks_embedded_alone(options: ModelOptions) -> bool:
    """Tell whether the embedded model is asked for on a CPU, with no option that only transformers can follow."""
    if options.base_model != embedded.NAME or options.device not in ("auto", "cpu"):
        return False
    is_placed = options.device_map or options.max_memory
    return options.quantisation == "none" and options.attention == "auto" and not is_placed


def load_tokenizer(name: str, revision: str | None = None) -> "PreTrainedTokenizerBase":
    """Load a model's tokenizer, with left padding and a padding token that is not the end token.

    Raises:
        ModelError: as `load_model`.
    """
    quiet_transformers()
    with explained(name):
        tokenizer = embedded.embedded_tokenizer() if name == embedded.NAME else _auto_tokenizer(name, revision)
    tokenizer.padding_side = "left"
    if tokenizer.pad_token_id is None or tokenizer.pad_token_id == tokenizer.eos_token_id:
        # Any token serves, since padding is always masked; the end token must stay a token of its own.
        tokenizer.pad_token = tokenizer.bos_token or tokenizer.unk_token or tokenizer.convert_ids_to_tokens(0)
    return tokenizer


def _auto_tokenizer(name: str, revision: str | None) -> Any:
    from transformers import AutoTokenizer

    folder = model_folder(name, revision, weights=())
    if not any((folder / file).is_file() for file in TOKENIZERS):
        raise ModelError(f"The model {name!r} cannot be loaded: there is no tokenizer ({TOKENIZERS[0]}) in {folder}.")
    return AutoTokenizer.from_pretrained(folder, **LOCAL)
