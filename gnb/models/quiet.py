"""Keeps the libraries that load models from talking: to the hub, and to users."""

import logging
import sys
import warnings
from typing import cast

from gnb.core.hub import quiet_client

_CHATTY = ("bitsandbytes.autograd._functions", "bitsandbytes.backends.cpu.ops")
"""Warn at every product of matrices that its 8 bits are made of float16, and that a kernel was not fetched."""


def quiet_transformers() -> None:
    """Keep transformers, peft and bitsandbytes from phoning home, and from telling users what is for their developers.

    Call it before any of them is imported.
    """
    quiet_client()
    # the package that fetches compiled code from the hub and runs it, on some processors at the mere import of
    # bitsandbytes, counts as absent
    cast("dict[str, object]", sys.modules).setdefault("kernels", None)
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"(transformers|peft)\.")
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.ERROR)
    from transformers.utils import logging as of_transformers

    of_transformers.set_verbosity_error()
    of_transformers.disable_progress_bar()
