"""What gnb refuses of a model's files, whoever made them, and the one line that says what is wrong with one."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gnb.core.errors import GnbError, ModelError, first_line
from gnb.models.memory import NO_ROOM, is_out_of_memory

LOCAL: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
"""The arguments of every `from_pretrained`: nothing is fetched, and no code of a model is run or asked about.

Without the second, transformers asks on the terminal whether it may run such code."""
SAFE = {"use_safetensors": True}
"""The argument of `from_pretrained` that refuses pickled weights, which could run code."""
_SETTINGS = ("config.json", "generation_config.json", "tokenizer_config.json")
_KERNELS = ("attn_implementation", "_attn_implementation")
"""Settings by which transformers fetches and runs a kernel of the hub, if they name one (owner/name)."""
_FRESH = ("score.", "pooler.")
"""Layers that no file needs to hold: a classifier, which an adapter brings or is trained, and one that nothing runs."""
_OWN_CODE = "trust_remote_code"
_MISMATCH = "ignore_mismatched_sizes"
"""What transformers names where it refuses such files."""
_TELLING = (OSError, ValueError, RuntimeError, ImportError)
"""Errors that libraries write for people; others name the place in the library that files led astray."""


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Turn the errors of loading a model into one line that says what is wrong with it.

    Args:
        name: the model as the user wrote it.

    Raises:
        ModelError: for whatever a library raises: files of strangers may lead it anywhere.
    """
    try:
        yield
    except GnbError:
        raise
    except Exception as error:
        raise ModelError(f"The model {name!r} {_reason(error)}") from error


def _reason(error: Exception) -> str:
    if is_out_of_memory(error):
        return f"{NO_ROOM}. Set quantisation to 8bit or 4bit, or max_memory, or take a smaller model."
    if _OWN_CODE in str(error):
        return (
            "cannot be loaded: its files ask for code of their own (auto_map), and gnb runs no code of models. "
            "Take one of an architecture that transformers knows."
        )
    if _MISMATCH in str(error):
        return "cannot be loaded: its weights have other shapes than its config.json says. Fetch or convert it again."
    if isinstance(error, _TELLING) or type(error) is Exception or "safetensors" in type(error).__module__:
        return f"cannot be loaded: {first_line(error)}"
    return f"cannot be loaded, its files are damaged or of an unknown kind: {type(error).__name__}: {first_line(error)}"


def check_settings(name: str, folder: Path) -> None:
    """Refuse a model whose small JSON files hold no objects, or name code of the hub, before a library reads them.

    Raises:
        ModelError: naming the file.
    """
    for file in (folder / setting for setting in _SETTINGS):
        if not file.is_file():
            continue
        try:
            found = json.loads(file.read_text("utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise ModelError(f"The model {name!r} cannot be loaded: {file} is damaged: {first_line(error)}") from None
        if not isinstance(found, dict):
            raise ModelError(f"The model {name!r} cannot be loaded: {file} is damaged: it holds no JSON object.")
        if _names_kernel(found):
            raise ModelError(
                f"The model {name!r} cannot be loaded: {file} names code of the hub ({_KERNELS[0]}), and gnb runs no "
                "code of models. Take that setting out."
            )


def _names_kernel(settings: dict[str, Any]) -> bool:
    parts = [settings, *(value for value in settings.values() if isinstance(value, dict))]
    return any("/" in str(part.get(key)) for part in parts for key in _KERNELS)


def check_complete(name: str, missing: Iterable[str]) -> None:
    """Refuse a model whose files lack weights: transformers draws them at random, and its answers make no sense.

    Args:
        name: the model as the user wrote it.
        missing: the `missing_keys` of transformers; tied weights are not among them.

    Raises:
        ModelError: naming one of them.
    """
    lacking = sorted(key for key in missing if not key.startswith(_FRESH))
    if lacking:
        others = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        raise ModelError(
            f"The model {name!r} cannot be loaded: weights are lacking, its files do not hold {lacking[0]}{others}. "
            "Fetch or convert it again."
        )
