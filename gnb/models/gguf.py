"""Models in GGUF files: turned once into the layout of transformers, in the user's cache."""

import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from gnb.core.errors import MissingDependencyError, ModelError, first_line
from gnb.core.filehash import hash_files
from gnb.core.paths import cache_dir
from gnb.core.registry import is_installed
from gnb.models.explaining import LOCAL, check_complete
from gnb.models.hub import is_complete
from gnb.models.quiet import quiet_conversion, quiet_transformers

_PACKAGES = ("filelock", "gguf")
_LAYOUT = "v1"  # raise it when the conversion changes
_log = logging.getLogger(__name__)


def is_gguf(name: str) -> bool:
    """Tell whether a model's name is that of a GGUF file that exists."""
    return name.endswith(".gguf") and Path(name).is_file()


def gguf_folder(file: Path) -> Path:
    """Return the folder that holds a GGUF file's model for transformers, in bfloat16, converting it at the first call.

    Raises:
        ModelError: if the file is damaged or its architecture one that transformers cannot read.
        MissingDependencyError: as `converted`.
    """
    folder = cache_dir() / f"gguf-{hash_files([file])}-{_LAYOUT}"
    return converted(folder, lambda scratch: convert(file, scratch))


def converted(folder: Path, make: Callable[[Path], None]) -> Path:
    """Return a folder of the cache, made at the first call.

    Several processes may ask at once; a killed conversion leaves nothing behind that looks finished, and what it leaves
    goes at the next one.

    Args:
        folder: the folder.
        make: fills the folder that it is given.

    Raises:
        MissingDependencyError: if a package is not installed that conversions need.
        ModelError: if the folder is there, and a file of it lacks or was cut off.
    """
    if folder.exists():
        _check_whole(folder)
        return folder
    check_packages()
    from filelock import FileLock

    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        if not folder.exists():
            _log.info("Unpacking the model into %s. This may take some minutes, and is done once.", folder)
            for left in folder.parent.glob(f".{folder.name}-{'?' * 8}"):  # of one that was killed: the lock is ours
                shutil.rmtree(left, ignore_errors=True)
            scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
            try:
                make(scratch / "out")
                _let_all_read(scratch / "out")
                (scratch / "out").rename(folder)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
    return folder


def _let_all_read(folder: Path) -> None:
    """Give files the mode of other new files: safetensors keeps its own to their owner, and a cache may be shared."""
    for file in filter(Path.is_file, folder.iterdir()):
        file.chmod(folder.stat().st_mode & 0o666)


def _check_whole(folder: Path) -> None:
    """Refuse a folder that lost something, as where a disk was full, before a library says so in its own words."""
    if fault := _fault(folder):
        raise ModelError(f"{folder} is damaged ({fault}). Delete this folder; it is made again at the next call.")


def _fault(folder: Path) -> str:
    """Return what is wrong with a folder that was converted, as far as can be told at once; empty for nothing."""
    from safetensors import SafetensorError, safe_open

    tokenizer = folder / "tokenizer.json"
    try:
        if not is_complete(folder):
            return "files are lacking"
        for file in (*folder.glob("*config.json"), folder / "tokenizer_config.json"):
            json.loads(file.read_bytes())
        for file in folder.glob("*.safetensors"):
            safe_open(file, framework="np")  # which compares the length of the file with its header
        # too long to be read each time
        return "tokenizer.json is cut off" if tokenizer.is_file() and _end(tokenizer) != b"\n}" else ""
    except (OSError, ValueError, RecursionError, SafetensorError) as error:
        return first_line(error)


def _end(file: Path) -> bytes:
    with file.open("rb") as opened:
        opened.seek(-2, os.SEEK_END)
        return opened.read()


def check_packages() -> None:
    """Refuse a conversion for which a package is lacking.

    Raises:
        MissingDependencyError: naming those that are not installed.
    """
    if lacking := [name for name in _PACKAGES if not is_installed(name)]:
        raise MissingDependencyError(
            f"Converting a GGUF file needs {' and '.join(lacking)}. Install: pip install 'gnb[local]'"
        )


def convert(file: Path, target: Path) -> None:
    """Write a GGUF file's model and tokenizer into a folder, in the layout of transformers.

    Raises:
        ModelError: as `gguf_folder`.
    """
    quiet_transformers()
    quiet_conversion()
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    origin = {"gguf_file": file.name, **LOCAL}
    try:
        model, info = AutoModelForCausalLM.from_pretrained(
            file.parent, dtype=torch.float32, output_loading_info=True, **origin
        )
        tokenizer = AutoTokenizer.from_pretrained(file.parent, **origin)
    except Exception as error:  # a damaged file may raise anything
        raise ModelError(_explain(file, error)) from error
    check_complete(str(file), info["missing_keys"])
    # save_pretrained refuses a model that still carries the GGUF quantiser.
    model.hf_quantizer = None
    del model.config.quantization_config
    model.to(torch.bfloat16).save_pretrained(target)
    tokenizer.save_pretrained(target)


def _explain(file: Path, error: BaseException) -> str:
    reason = first_line(error)
    architecture = _architecture(file)
    if architecture is None:
        return f"The model {str(file)!r} is no GGUF file, or it is damaged: {reason}"
    return (
        f"The GGUF file {str(file)!r} holds a model of the architecture {architecture!r}, which transformers cannot "
        f"read from such a file ({reason}). Give base_model the same model as a hub id or a folder of safetensors, or "
        "serve the file with llama.cpp and ask it through the rewriter gpt."
    )


def _architecture(file: Path) -> str | None:
    from gguf import GGUFReader

    try:
        field = GGUFReader(file).get_field("general.architecture")
        return str(field.contents()) if field else None
    except Exception:  # as in `convert`
        return None
