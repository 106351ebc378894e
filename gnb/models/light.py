"""Loads the embedded model to run on a CPU, without transformers: importing that takes longer than a first sentence."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, cast

from gnb.models import embedded
from gnb.models.adapters import CONFIG, adapts_vocabulary
from gnb.models.explaining import explained
from gnb.models.gemma_config import read_config
from gnb.models.loading import LoadedModel, asks_embedded_alone
from gnb.models.merging import is_plain_adapter
from gnb.models.options import ModelOptions
from gnb.models.placing import pick_device, pick_dtype

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def load_light(options: ModelOptions, adapter: Path | None = None, categories: int = 0) -> LoadedModel | None:
    """Load the embedded model, if that is what is asked for, and it is to run on a CPU.

    Args:
        options: which model and how.
        adapter: the adapter that will be laid over it; it must be a plain one.
        categories: of a classifier; 0 for a language model.

    Returns:
        The model, which gives the numbers of that of transformers but cannot `generate`; None if it has to be loaded
        by transformers.

    Raises:
        ModelError: if it cannot be loaded.
    """
    if not _is_light(options) or (adapter and (adapts_vocabulary(adapter) or not is_plain_adapter(adapter / CONFIG))):
        return None
    folder = embedded.embedded_folder()
    if (config := read_config(folder / "config.json")) is None:
        return None
    from gnb.models.gemma import Gemma
    from gnb.models.quick_tokenizer import QuickTokenizer

    with explained(options.base_model):
        model = Gemma(folder, config, pick_dtype(options.dtype), categories).eval()
        # both have what a rewriter or a detector asks for
        return LoadedModel(cast("PreTrainedModel", model), cast("PreTrainedTokenizerBase", QuickTokenizer()))


def _is_light(options: ModelOptions) -> bool:
    if not asks_embedded_alone(options):
        return False
    # threads that wait idly: of a machine that others use too, waiting busily takes several times the work itself.
    # Before torch is imported, or it comes too late
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    import torch

    return pick_device(options.device) == "cpu" and pick_dtype(options.dtype) in (torch.float32, torch.bfloat16)
