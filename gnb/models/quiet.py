"""Keeps the libraries that load models from talking: to the hub, and to users."""

import warnings

from gnb.core.hub import quiet_client


def quiet_transformers() -> None:
    """Keep transformers and peft from phoning home, and from telling users what they tell their own developers."""
    quiet_client()
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"(transformers|peft)\.")
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
