"""Merges plain LoRA adapters, bit by bit as peft does, without importing peft: that takes longer than all the rest.

LoRA: Hu et al. 2021, arXiv 2106.09685. What is not plain is left to peft.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

_PREFIX = "base_model.model."
_FIRST, _SECOND = ".lora_A.weight", ".lora_B.weight"
_HARMLESS = {
    "auto_mapping", "base_model_name_or_path", "exclude_modules", "inference_mode", "init_lora_weights", "lora_alpha",
    "lora_dropout", "megatron_core", "modules_to_save", "peft_version", "qalora_group_size", "r", "revision",
    "target_modules", "task_type",
}  # fmt: skip
"""Settings of peft that do not change what is merged, or that are looked at here."""
_REPLACED = {"classifier", "score"}
"""Modules that an adapter may bring whole: those that peft itself names for a classifier, once a run."""

if TYPE_CHECKING:
    _Pair = tuple[torch.nn.Parameter, torch.Tensor, torch.Tensor]
    _Whole = tuple[torch.nn.Parameter, torch.Tensor]


def merge_plain(model: "PreTrainedModel", config: Path, weights: Path) -> bool:
    """Add an adapter's matrices to a model's weights, and put the classifier that it brings into its place.

    Args:
        model: a freshly loaded model.
        config: peft's configuration file.
        weights: peft's file of weights.

    Returns:
        Whether it was done. If not, the model is as it was: the adapter is not plain, does not fit, or is damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        settings = json.loads(config.read_text("utf-8"))
        scale = settings["lora_alpha"] / settings["r"]
        pairs, whole = _match(model, load_file(weights))
        plain = _is_plain(settings)
    except (SafetensorError, ValueError, TypeError, KeyError, AttributeError, ZeroDivisionError):
        return False
    if not plain:
        return False
    _add(pairs, scale)
    for parameter, value in whole:
        parameter.data.copy_(value)
    return True


def _add(pairs: "list[_Pair]", scale: float) -> None:
    import torch

    # all products go to one place: fresh memory for each takes longer than the products
    space = torch.empty(max((parameter.numel() for parameter, _, _ in pairs), default=0))
    for parameter, first, second in pairs:
        product = torch.mm(second.float(), first.float(), out=space[: parameter.numel()].view(parameter.shape))
        parameter.data += product.mul_(scale).to(parameter.device)


def is_plain_adapter(config: Path) -> bool:
    """Tell whether peft's configuration file is that of a plain adapter: two matrices a layer, merged without peft."""
    try:
        return _is_plain(json.loads(config.read_text("utf-8")))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return False


def _is_plain(settings: dict[str, Any]) -> bool:
    """Tell whether an adapter is two matrices a layer: no further setting is on."""
    others = {name: value for name, value in settings.items() if name not in _HARMLESS}
    plain = others.pop("peft_type") == "LORA" and others.pop("bias") == "none" and not any(others.values())
    # other ways to begin change the base model's weights as well
    usual = isinstance(settings["init_lora_weights"], bool)
    return plain and usual and {*(settings["modules_to_save"] or ())} <= _REPLACED


def _match(model: "PreTrainedModel", tensors: "dict[str, torch.Tensor]") -> "tuple[list[_Pair], list[_Whole]]":
    """Find the parameters that an adapter changes: by two matrices each, or as a whole.

    Raises:
        AttributeError: if the model has no such parameter.
        KeyError: if a matrix lacks its partner.
        ValueError: if a shape does not fit.
    """
    pairs: list[_Pair] = []
    whole: list[_Whole] = []
    for name, tensor in tensors.items():
        path = name.removeprefix(_PREFIX)
        if path.endswith(_SECOND):
            continue
        parameter = model.get_parameter(path.replace(_FIRST, ".weight"))
        if path.endswith(_FIRST):
            second = tensors[name.replace(_FIRST, _SECOND)]
            pairs.append((parameter, tensor, second))
            shape = [second.shape[0], tensor.shape[1]] if second.shape[1] == tensor.shape[0] else []
        else:
            whole.append((parameter, tensor))
            shape = list(tensor.shape)
        if shape != list(parameter.shape):
            raise ValueError(path)
    if 2 * len(pairs) + len(whole) != len(tensors):
        raise KeyError(_FIRST)
    return pairs, whole
