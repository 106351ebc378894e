"""Where a model runs and in which number format, and how much context fits there."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gnb.core.errors import MissingDependencyError, SettingsError, first_line
from gnb.models.options import ModelOptions

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

_SHORT, _LONG = 1024, 2048
"""Context lengths of the published study, below and from 16 GB of GPU memory."""
_LARGE = 15.5e9
"""Cards sold with 16 GB tell somewhat less."""
_SPREADING = ("auto", "balanced", "balanced_low_0", "sequential")
"""Values of `device_map` that are no device."""
_GPU_FILES = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")
"""What Linux shows of a GPU of NVIDIA, of AMD, or of the Windows below it."""


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
    """Return a torch device name. "auto": the first GPU, else the CPU.

    Raises:
        SettingsError: if this machine has no such device.
    """
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1, device=name).cpu()
    except (RuntimeError, AssertionError, ImportError) as error:  # the last two where torch lacks that kind of device
        raise SettingsError(
            f"There is no device {name!r} here: {first_line(error)}. "
            "Name those that there are, or none, in device, device_map and max_memory."
        ) from None
    return name


def placement(options: ModelOptions) -> dict[str, Any]:
    """Return the arguments of `from_pretrained` that spread a model over devices; none for a single device.

    Quantised weights are spread even if no option says so: they cannot be moved once they are loaded.

    Raises:
        SettingsError: if they would go to a device that this machine has not.
    """
    where = options.device_map
    if where is None and options.max_memory:
        where = "auto"
    if where is None and options.quantisation != "none":
        where = options.device
    if where is None:
        return {}
    if where not in _SPREADING:
        where = pick_device(where)
    for key in (options.max_memory or {}).keys() - {"cpu", "disk"}:
        pick_device(f"cuda:{key}" if key.isdigit() else key)
    most = {int(key) if key.isdigit() else key: value for key, value in (options.max_memory or {}).items()}
    return {"device_map": where, **({"max_memory": most} if most else {})}


def attention(options: ModelOptions) -> dict[str, Any]:
    """Return the argument of `from_pretrained` that says how attention is computed.

    Raises:
        MissingDependencyError: if it needs a package that is not installed.
    """
    if options.attention == "auto":
        return {}
    if options.attention == "flash_attention_2":
        from transformers.utils import is_flash_attn_2_available

        if not is_flash_attn_2_available():
            raise MissingDependencyError(
                "attention = 'flash_attention_2' needs the package flash-attn and a GPU. "
                "Install: pip install flash-attn --no-build-isolation, or set attention to sdpa."
            )
    return {"attn_implementation": options.attention}


def input_device(model: "PreTrainedModel") -> "torch.device":
    """Return the device that a model takes its tokens on, also if its embeddings are kept elsewhere."""
    import torch

    hook = getattr(model.get_input_embeddings(), "_hf_hook", None)
    found = getattr(hook, "execution_device", None)
    return model.device if found is None else torch.device(found)


@contextmanager
def fetched(module: "torch.nn.Module") -> Iterator[None]:
    """Hold the weights of a module where they can be read, also if they are kept off its device until it runs."""
    if not hasattr(module, "_hf_hook"):
        yield
        return
    from accelerate.utils.modeling import align_module_device

    with align_module_device(module):
        yield


def context_length(options: ModelOptions, most: int | None = None) -> int:
    """Return the tokens that prompt and answer may take together. Imports torch only where a GPU may be.

    Args:
        options: what was asked for.
        most: what the model takes, as far as it says.

    Raises:
        SettingsError: if more was asked for than the model takes.
    """
    wanted = options.context_length
    if isinstance(wanted, str):
        found = _LONG if options.device != "cpu" and _gpu_memory() >= _LARGE else _SHORT
        return min(found, most or found)
    if most and wanted > most:
        raise SettingsError(f"context_length is {wanted}, and {options.base_model} takes {most} tokens at the most.")
    return wanted


def may_have_gpu() -> bool:
    """Tell whether torch may find a GPU that `auto` takes, as far as can be told without importing it."""
    if sys.platform == "linux":
        return any(Path(file).exists() for file in _GPU_FILES)
    return sys.platform != "darwin"


def _gpu_memory() -> int:
    """Return the bytes of memory of the largest GPU, 0 without one."""
    if not may_have_gpu():
        return 0
    import torch

    if not torch.cuda.is_available():
        return 0
    found = (torch.cuda.get_device_properties(number).total_memory for number in range(torch.cuda.device_count()))
    return max(found, default=0)
