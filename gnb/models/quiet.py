"""Keeps the libraries that load models from talking: to the hub, and to users."""

import logging
import sys
import warnings
from typing import cast

from gnb.core.hub import quiet_client

_CHATTY = ("bitsandbytes.autograd._functions", "bitsandbytes.backends.cpu.ops")
"""Warn at every product of matrices that its 8 bits are made of float16, and that a kernel was not fetched."""


def refuse_kernels() -> None:
    """Count the package `kernels`, which fetches compiled code from the hub and runs it, as absent.

    On some processors bitsandbytes would ask it as soon as it is imported, and warn where it is not there. Call this
    before anything that imports bitsandbytes, as peft does, and transformers' trainer.
    """
    cast("dict[str, object]", sys.modules).setdefault("kernels", None)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.ERROR)


def quiet_transformers() -> None:
    """Keep transformers and peft from phoning home, and from telling users what they tell their own developers."""
    quiet_client()
    refuse_kernels()
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"(transformers|peft)\.")
    # of an adapter's settings that a later peft writes, whose defaults change nothing: it tells users to upgrade
    warnings.filterwarnings("ignore", message="Unexpected keyword arguments", module=r"peft\.")
    from transformers.utils import logging as of_transformers

    of_transformers.set_verbosity_error()
    of_transformers.disable_progress_bar()


def quiet_conversion() -> None:
    """Keep transformers from drawing a bar while it reads a GGUF file: the only one that it does not ask itself about.

    Call this behind `quiet_transformers`, whose word then holds for that bar as well.
    """
    from transformers import modeling_gguf_pytorch_utils
    from transformers.utils import logging as of_transformers

    vars(modeling_gguf_pytorch_utils)["tqdm"] = of_transformers.tqdm
