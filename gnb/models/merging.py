"""Merges plain LoRA adapters, bit by bit as peft does, without importing peft: that takes longer than all the rest.

LoRA: Hu et al. 2021, arXiv 2106.09685. What is not plain is left to peft.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gnb.core.errors import DAMAGES, ModelError

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

Shape = tuple[int, ...]

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


def merge_plain(model: "PreTrainedModel", config: Path, weights: Path) -> bool:
    """Add an adapter's matrices to a model's weights, and put the classifier that it brings into its place.

    Args:
        model: a freshly loaded model.
        config: peft's configuration file.
        weights: peft's file of weights.

    Returns:
        Whether it was done. If not, the model is as it was: the adapter is not plain, does not fit, or is damaged.

    Raises:
        ModelError: if a weight or the scale is no finite number, whoever would merge it.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        settings = json.loads(config.read_text("utf-8"))
        scale = settings["lora_alpha"] / settings["r"]
        tensors = load_file(weights)
        parameters = dict(model.named_parameters(remove_duplicate=False))
        found = match_adapter(_shapes(parameters), _shapes(tensors))
        plain = _is_plain(settings)
    except (SafetensorError, *DAMAGES):
        return False
    _check_finite(weights.parent, scale, tensors.values())
    if not plain:
        return False
    _add([(parameters[name], tensors[first], tensors[second]) for name, first, second in found.pairs], scale)
    for name, tensor in found.whole:
        parameters[name].data.copy_(tensors[tensor])
    return True


def _check_finite(adapter: Path, scale: float, tensors: "Iterable[torch.Tensor]") -> None:
    import torch

    # formats of one byte are for quantised weights, and torch cannot ask all of them
    asked = (tensor for tensor in tensors if tensor.element_size() > 1)
    if not (torch.tensor(scale).isfinite() and all(tensor.isfinite().all() for tensor in asked)):
        raise ModelError(
            f"The adapter in {adapter} is damaged: not all of its weights are finite numbers. Fetch or train it again."
        )


def _add(pairs: "list[tuple[torch.nn.Parameter, torch.Tensor, torch.Tensor]]", scale: float) -> None:
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
    except DAMAGES:
        return False


def _is_plain(settings: dict[str, Any]) -> bool:
    """Tell whether an adapter is two matrices a layer: no further setting is on."""
    others = {name: value for name, value in settings.items() if name not in _HARMLESS}
    plain = others.pop("peft_type") == "LORA" and others.pop("bias") == "none" and not any(others.values())
    # other ways to begin change the base model's weights as well
    usual = isinstance(settings["init_lora_weights"], bool)
    return plain and usual and {*(settings["modules_to_save"] or ())} <= _REPLACED


@dataclass(frozen=True, slots=True)
class Matched:
    """What an adapter changes.

    Attributes:
        pairs: of each parameter that it adds to, the names of the parameter and of the two matrices.
        whole: of each parameter that it replaces, the names of the parameter and of what it brings.
    """

    pairs: list[tuple[str, str, str]]
    whole: list[tuple[str, str]]


def match_adapter(parameters: Mapping[str, Shape], brought: Mapping[str, Shape]) -> Matched:
    """Find the parameters that a plain adapter changes.

    Args:
        parameters: the shapes of a model's parameters, by their names in transformers.
        brought: the shapes of what the adapter's file holds, by its names there.

    Raises:
        KeyError: if the model has no such parameter, or a matrix lacks its partner.
        ValueError: if a shape does not fit.
    """
    pairs, whole = [], []
    for name, shape in brought.items():
        path = name.removeprefix(_PREFIX)
        if path.endswith(_SECOND):
            continue
        parameter = path.replace(_FIRST, ".weight")
        if path.endswith(_FIRST):
            second = name.replace(_FIRST, _SECOND)
            pairs.append((parameter, name, second))
            (rows, rank), (inner, columns) = brought[second], shape
            found: Shape = (rows, columns) if rank == inner else ()
        else:
            whole.append((parameter, name))
            found = shape
        if found != parameters[parameter]:
            raise ValueError(path)
    if 2 * len(pairs) + len(whole) != len(brought):
        raise KeyError(_FIRST)
    return Matched(pairs, whole)


def _shapes(tensors: "Mapping[str, torch.Tensor]") -> dict[str, Shape]:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}
