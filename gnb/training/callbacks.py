"""What listens to the training loop: checkpoints in time, Ctrl-C, and how far it is."""

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any, Self

from transformers import EarlyStoppingCallback, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from gnb.training.processes import any_process, count

CHECKPOINT_SECONDS = 300.0
"""A killed run loses no more than this, and a checkpoint of an adapter takes well under a second."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    Attributes:
        step: optimiser steps done.
        steps: optimiser steps in all.
        validation_loss: set when an evaluation has just been made.
    """

    step: int
    steps: int
    validation_loss: float | None = None


Watch = Callable[[Progress], None]
"""Is told of each optimiser step and each evaluation."""


class Watcher(TrainerCallback):
    """Tells a `Watch` about every step."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Pass on how far it is, and the validation loss if it has just been computed."""
        self._watch(Progress(state.global_step, state.max_steps, state.log_history[-1].get("eval_loss")))


class Checkpointer(TrainerCallback):
    """Asks for a checkpoint every few minutes, besides those of the evaluations."""

    def __init__(self, seconds: float = CHECKPOINT_SECONDS) -> None:
        self._seconds = seconds
        self._last = time.monotonic()

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Ask if the last checkpoint is old enough."""
        if any_process(time.monotonic() - self._last >= self._seconds):
            control.should_save = True

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Note when a checkpoint was made."""
        self._last = time.monotonic()


class EarlyStopping(EarlyStoppingCallback):
    """Stops when the validation loss gets no better, also a run that goes on from the checkpoint of its last step."""

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Ask for the end at once if the patience that the checkpoint kept is used up."""
        if self.early_stopping_patience_counter >= self.early_stopping_patience:
            control.should_training_stop = True


class Interruption(TrainerCallback):
    """Turns the first Ctrl-C into a checkpoint and an end after the current step; the second one stops at once."""

    def __init__(self) -> None:
        self.requested = False
        self._previous: Any = None

    def __enter__(self) -> Self:
        self._previous = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._previous)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.requested = True
        if count() == 1:  # a launcher passes on the Ctrl-C that the terminal has sent to all already
            signal.signal(signal.SIGINT, self._previous)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Ask for a checkpoint and the end of training."""
        self.requested = any_process(self.requested)
        if self.requested:
            control.should_save = control.should_training_stop = True
