"""Loads the embedded model for a few sentences, without torch: importing that takes longer than answering them."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast

from gnb.core.errors import DAMAGES
from gnb.models import embedded
from gnb.models.adapters import CONFIG, WEIGHTS, check_rank, check_vocabulary
from gnb.models.gemma_config import read_config
from gnb.models.loading import LoadedModel, asks_embedded_alone
from gnb.models.merging import is_plain_adapter
from gnb.models.options import ModelOptions
from gnb.models.placing import may_have_gpu

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_MOST_LINES, _MOST_LETTERS = 8, 2000
"""About as much as is answered while torch is being imported."""


class Asked:
    """Counts what was asked for so far: a model that starts at once is done sooner with a few lines, not with many."""

    def __init__(self) -> None:
        self._lines = self._letters = 0

    def are_few(self, lines: Sequence[str]) -> bool:
        """Count further lines, and tell whether all together are few."""
        self._lines += len(lines)
        self._letters += sum(map(len, lines))
        return self._lines <= _MOST_LINES and self._letters <= _MOST_LETTERS


def load_quick(options: ModelOptions, adapter: Path | None = None, categories: int = 0) -> LoadedModel | None:
    """Load the embedded model in numpy, if that is what is asked for, and it is to run on a CPU.

    It computes in float32, which torch does not where `dtype` is auto and the processor knows bfloat16.

    Args:
        options: which model and how.
        adapter: the adapter that is laid over it; it must be a plain one.
        categories: of a classifier; 0 for a language model.

    Returns:
        The model; None if torch has to load it, which also says what is wrong with a damaged one.

    Raises:
        ModelError: if the embedded model is not installed, or the adapter is for another vocabulary or rank.
    """
    if not _is_quick(options) or (adapter and not is_plain_adapter(adapter / CONFIG)):
        return None
    folder = embedded.embedded_folder()
    config = read_config(folder / "config.json")
    if config is None or config.final_logit_softcapping is not None:
        return None
    if adapter:
        check_vocabulary(adapter, config.vocab_size)
        check_rank(adapter)
    from gnb.models.gemma_numpy import NumpyGemma
    from gnb.models.quick_tokenizer import QuickTokenizer

    files = (adapter / CONFIG, adapter / WEIGHTS) if adapter else None
    with suppress(*DAMAGES):
        model = NumpyGemma(folder, config, files, categories)
        # both have what a rewriter or a detector asks for
        return LoadedModel(cast("PreTrainedModel", model), cast("PreTrainedTokenizerBase", QuickTokenizer()))
    return None


def is_quick(loaded: LoadedModel) -> bool:
    """Tell whether a model is one of `load_quick`."""
    return hasattr(loaded.model, "output_rows")


def _is_quick(options: ModelOptions) -> bool:
    wanted = options.dtype in ("auto", "float32") and asks_embedded_alone(options)
    return wanted and (options.device == "cpu" or not may_have_gpu())
