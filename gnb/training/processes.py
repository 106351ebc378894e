"""The processes of one run: started by `accelerate launch` or `torchrun`, several train one adapter together."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from gnb.core.errors import GnbError, SettingsError, first_line
from gnb.models.options import ModelOptions

_OF_A_LAUNCHER = ("RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
"""What a launcher sets besides WORLD_SIZE (docs.pytorch.org/docs/stable/elastic/run.html)."""


class LostProcessError(GnbError):
    """A process of the run has ended, and the others cannot go on without it.

    Args:
        reason: what the connection to it says.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"Another process of this training has ended ({reason}), so this one ends too. If it said why, that stands "
            "above; if it was killed, it could not. The same command goes on from the newest checkpoint."
        )


def count() -> int:
    """Return how many processes train together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_main() -> bool:
    """Tell whether this process is the one that writes, and that speaks to the user."""
    return os.environ.get("RANK", "0") == "0"


def is_sharded() -> bool:
    """Tell whether FSDP spreads the model over the processes."""
    return count() > 1 and os.environ.get("ACCELERATE_USE_FSDP") == "true"


def local_device(device: str) -> str:
    """Return the device of this process: a GPU of its own where the user leaves the choice and there are several."""
    import torch

    if device != "auto" or count() == 1 or not torch.cuda.is_available():
        return device
    return f"cuda:{os.environ.get('LOCAL_RANK', '0')}"


@contextmanager
def together(options: ModelOptions) -> Iterator[None]:
    """Join the other processes, if there are any, for what is done in the context.

    Args:
        options: of the run; `device="cpu"` keeps the processes off the GPUs.

    Raises:
        LostProcessError: if one of the others ends.
        SettingsError: if no launcher has started the processes, or FSDP is asked for in a way that cannot work.
    """
    if count() == 1:
        yield
        return
    _check_launcher()
    if is_sharded():
        _check_sharding(options)
    import torch
    from accelerate import PartialState

    signal.signal(signal.SIGTERM, _terminated)
    try:
        PartialState(cpu=options.device == "cpu" or not torch.cuda.is_available())
        yield
    except RuntimeError as error:
        if not _is_lost_connection(error):
            raise
        raise LostProcessError(first_line(error)) from None


def main_first(action: Callable[[], Any]) -> Any:
    """Do something in the main process, then in the others; return what it returned."""
    if count() == 1:
        return action()
    from accelerate import PartialState

    with PartialState().main_process_first():
        return action()


def any_process(wish: bool) -> bool:
    """Tell all processes whether any of them wishes something. They must all ask."""
    if count() == 1:
        return wish
    import torch
    from accelerate import PartialState

    wishes = torch.tensor(int(wish), device=PartialState().device)
    torch.distributed.all_reduce(wishes, torch.distributed.ReduceOp.MAX)
    return bool(wishes)


def _check_launcher() -> None:
    absent = [name for name in _OF_A_LAUNCHER if name not in os.environ]
    if absent:
        raise SettingsError(
            f"WORLD_SIZE says that {count()} processes train together, but {absent[0]} is not set. Start them by "
            "torchrun or accelerate launch, or unset WORLD_SIZE to train in this one."
        )


def _check_sharding(options: ModelOptions) -> None:
    if os.environ.get("FSDP_VERSION", "1") != "2":
        raise SettingsError("gnb trains with the second version of FSDP: accelerate launch --fsdp_version 2.")
    if options.quantisation != "none":
        raise SettingsError("FSDP cannot spread quantised weights. Train without FSDP, or with quantisation=none.")
    os.environ["FSDP_CPU_RAM_EFFICIENT_LOADING"] = "false"  # parts of the output layer are copied in every process


def _terminated(number: int, frame: FrameType | None) -> None:
    # The launcher ends the others so when one is gone. A second request would only cut off the message.
    signal.signal(number, signal.SIG_IGN)
    raise LostProcessError("the launcher says so")


def _is_lost_connection(error: RuntimeError) -> bool:
    """Tell whether the connection to another process broke: torch has no class of its own for what gloo reports."""
    from torch.distributed import DistError

    return isinstance(error, DistError) or "gloo" in str(error)
