"""Finds a base model by name and loads it with its tokenizer. No request leaves unless the user named a hub model."""

import os
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from gnb.core.errors import MissingDependencyError, ModelError
from gnb.core.filehash import hash_files
from gnb.models import embedded
from gnb.models.options import ModelOptions

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

SAFE = {"use_safetensors": True}
"""The argument of `from_pretrained` that refuses pickled weights, which could run code."""
_WEIGHTS = ("*.safetensors", "*.gguf")


@dataclass(slots=True)
class LoadedModel:
    """A base model ready to run, and its tokenizer (padding on the left, with a padding token)."""

    model: "PreTrainedModel"
    tokenizer: "PreTrainedTokenizerBase"


def is_hub_id(name: str) -> bool:
    """Tell whether a model name means the hub: neither "embedded" nor an existing folder."""
    return name != embedded.NAME and not Path(name).is_dir()


def resolve_model(name: str) -> str:
    """Return what transformers loads the model from: a folder, or the hub id unchanged.

    Raises:
        ModelError: if the name looks like a folder that does not exist, or the embedded model is not installed.
    """
    if name == embedded.NAME:
        return str(embedded.embedded_folder())
    if Path(name).is_dir():
        return name
    if name.startswith((".", "/", "~")) or name.count("/") != 1:
        raise ModelError(
            f"There is no model folder {name!r}. Give 'embedded', an existing folder, or a hub id (owner/name)."
        )
    return name


def model_identity(name: str, revision: str | None = None) -> dict[str, Any]:
    """Return what identifies a model's weights, without loading them: for fingerprints.

    Raises:
        ModelError: as `resolve_model`.
    """
    if name == embedded.NAME:
        return embedded.embedded_identity()
    if is_hub_id(name):
        return {"base_model": resolve_model(name), "revision": revision or _cached_commit(name)}
    folder = Path(name)
    files = [file for pattern in (*_WEIGHTS, "*.json") for file in folder.glob(pattern)]
    return {"base_model": folder.resolve().name, "files": hash_files(files)}


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
    """
    _be_quiet()
    from transformers import AutoModelForCausalLM

    path = resolve_model(options.base_model)
    tokenizer = load_tokenizer(options.base_model, options.revision)
    if stored_embeddings and can_keep_embeddings(options):
        return LoadedModel(load_stored_model(options, AutoModelForCausalLM), tokenizer)
    arguments: dict[str, Any] = {"dtype": pick_dtype(options.dtype), **SAFE, **_quantisation(options)}
    with explained(options.base_model):
        model = AutoModelForCausalLM.from_pretrained(path, **origin(options.base_model, options.revision), **arguments)
    if options.quantisation == "none":
        model = model.to(pick_device(options.device))
    return LoadedModel(model.eval(), tokenizer)


def can_keep_embeddings(options: ModelOptions) -> bool:
    """Tell whether the model is the embedded one, which is stored in bfloat16, and to run in float32 on a CPU."""
    import torch

    wanted = pick_dtype(options.dtype) == torch.float32 and pick_device(options.device) == "cpu"
    return options.base_model == embedded.NAME and options.quantisation == "none" and wanted


def load_stored_model(options: ModelOptions, auto_class: Any, **settings: Any) -> "PreTrainedModel":
    """Load the embedded model with its embeddings as they are stored (see `can_keep_embeddings`).

    Args:
        options: which model and how.
        auto_class: the class of transformers that picks the architecture.
        settings: of the model's configuration.

    Raises:
        ModelError: if it cannot be loaded.
    """
    from gnb.models.stored import load_stored

    with explained(options.base_model):
        return load_stored(embedded.embedded_folder(), auto_class, **settings).eval()


def load_tokenizer(name: str, revision: str | None = None) -> "PreTrainedTokenizerBase":
    """Load a model's tokenizer, with left padding and a padding token that is not the end token.

    Raises:
        ModelError: as `load_model`.
    """
    _be_quiet()
    with explained(name):
        tokenizer = embedded.embedded_tokenizer() if name == embedded.NAME else _auto_tokenizer(name, revision)
    tokenizer.padding_side = "left"
    if tokenizer.pad_token_id is None or tokenizer.pad_token_id == tokenizer.eos_token_id:
        # Any token serves, since padding is always masked; the end token must stay a token of its own.
        tokenizer.pad_token = tokenizer.bos_token or tokenizer.unk_token or tokenizer.convert_ids_to_tokens(0)
    return tokenizer


def _auto_tokenizer(name: str, revision: str | None) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(resolve_model(name), **origin(name, revision))


def pick_dtype(name: str) -> "torch.dtype":
    """Return a torch dtype. "auto": bfloat16 on a GPU or processor that computes in it, else float32.

    Without the instructions for it, bfloat16 on a CPU is many times slower than float32.
    """
    import torch

    if name != "auto":
        found: torch.dtype = getattr(torch, name)
        return found
    if torch.cuda.is_available():
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    return torch.bfloat16 if torch.cpu._is_avx512_bf16_supported() else torch.float32


def pick_device(name: str) -> str:
    """Return a torch device name. "auto": the first GPU, else the CPU."""
    import torch

    if name != "auto":
        return name
    return "cuda" if torch.cuda.is_available() else "cpu"


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Turn the errors of loading a model into one that says where it was looked for and what helps."""
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, ValueError, SafetensorError) as error:
        if not is_hub_id(name):
            raise ModelError(f"The model {name!r} cannot be loaded: {_first_line(error)}") from error
        from huggingface_hub.constants import HF_HUB_CACHE

        raise ModelError(
            f"The model {name!r} is neither in the cache ({HF_HUB_CACHE}) nor can it be fetched from the hub: "
            f"{_first_line(error)} With a connection (and access, for gated models: hf auth login) run: "
            f"hf download {name}. Offline, use --profile embedded or set base_model to a local folder."
        ) from error


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def origin(name: str, revision: str | None) -> dict[str, Any]:
    """Return the arguments of `from_pretrained` that say where a model comes from: a hub model's revision, or a folder.

    Without a connection they allow the cache alone.
    """
    # remote code of a hub model is never run: trust_remote_code stays at its default, False
    if not is_hub_id(name):
        return {"local_files_only": True}
    return {"revision": revision or "main", "local_files_only": not _hub_answers()}


def _hub_answers() -> bool:
    # Without this look, huggingface_hub retries for about a minute before it says that there is no connection.
    from huggingface_hub.constants import ENDPOINT, HF_HUB_OFFLINE

    if HF_HUB_OFFLINE:
        return False
    parts = urlsplit(ENDPOINT)
    try:
        address = (parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
        socket.create_connection(address, timeout=5).close()
    except OSError:
        return False
    return True


def _quantisation(options: ModelOptions) -> dict[str, Any]:
    if options.quantisation == "none":
        return {}
    from importlib.util import find_spec

    if find_spec("bitsandbytes") is None:
        raise MissingDependencyError("Quantisation needs bitsandbytes. Install: pip install 'gnb[quantised]'")
    from transformers import BitsAndBytesConfig

    config = (
        BitsAndBytesConfig(load_in_8bit=True)
        if options.quantisation == "8bit"
        else BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=pick_dtype(options.dtype),
        )
    )
    return {"quantization_config": config, "device_map": "auto" if options.device == "auto" else options.device}


def _cached_commit(name: str) -> str | None:
    from huggingface_hub.constants import HF_HUB_CACHE

    file = Path(HF_HUB_CACHE) / f"models--{name.replace('/', '--')}" / "refs" / "main"
    return file.read_text("utf-8").strip() if file.is_file() else None


def _be_quiet() -> None:
    """Keep transformers and peft from phoning home, and from telling users what they tell their own developers."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("DO_NOT_TRACK", "1")
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"(transformers|peft)\.")
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
