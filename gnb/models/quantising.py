"""Weights in 8 or 4 bits through bitsandbytes (Dettmers et al. 2022, arXiv 2208.07339; 2023, arXiv 2305.14314)."""

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from gnb.core.errors import MissingDependencyError
from gnb.models.options import ModelOptions
from gnb.models.placing import pick_dtype

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_WHOLE = ["lm_head", "score"]
"""The layers that stay as they are: the output layer, and a classifier."""


def quantisation(options: ModelOptions) -> dict[str, Any]:
    """Return the argument of `from_pretrained` that quantises a model as it is loaded; none if it is not asked for.

    Raises:
        MissingDependencyError: if bitsandbytes is not installed.
    """
    if options.quantisation == "none":
        return {}
    if find_spec("bitsandbytes") is None:
        raise MissingDependencyError("Quantisation needs bitsandbytes. Install: pip install 'gnb[quantised]'")
    import torch
    from transformers import BitsAndBytesConfig

    # beside a GPU, what does not fit stays as it is in the memory of the machine; on a CPU alone that would be all
    shared: dict[str, Any] = {
        "llm_int8_skip_modules": _WHOLE,
        "llm_int8_enable_fp32_cpu_offload": torch.cuda.is_available() and options.device != "cpu",
    }
    if options.quantisation == "8bit":
        return {"quantization_config": BitsAndBytesConfig(load_in_8bit=True, **shared)}
    config = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=pick_dtype(options.dtype),
        **shared,
    )
    return {"quantization_config": config}


def prepare_for_training(model: "PreTrainedModel", *, checkpointing: bool) -> "PreTrainedModel":
    """Make a model fit to carry an adapter that is trained, in place.

    The weights of a quantised one are frozen, and those that are not quantised become float32.

    Args:
        model: the base model.
        checkpointing: compute activations anew in the backward pass rather than keep them: slower, in less memory
            (Chen et al. 2016, arXiv 1604.06174).
    """
    if getattr(model, "is_quantized", False):
        from peft import prepare_model_for_kbit_training

        prepare: Any = prepare_model_for_kbit_training
        model = prepare(model, use_gradient_checkpointing=False)
    if checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    return model
