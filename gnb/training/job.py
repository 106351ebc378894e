"""A training job: what is trained from what, and into which folder."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gnb.core.errors import InputError
from gnb.core.fingerprint import fingerprint_of
from gnb.models.adapters import CARD, CONFIG, KEYS, LEXICON, WEIGHTS, adapter_card, adapter_identity
from gnb.models.loading import model_identity
from gnb.models.placing import context_length
from gnb.training.callbacks import Progress, Watch
from gnb.training.checkpoints import IDENTITY, claim, latest_checkpoint
from gnb.training.data import TrainingData
from gnb.training.options import TrainingOptions
from gnb.training.processes import is_main, main_first, together

if TYPE_CHECKING:
    from gnb.training.run import Trained

CHECKPOINTS = "checkpoints"
README, NOTICE, HISTORY, PLOTS = "README.md", "NOTICE", "history.json", ("loss.png", "loss.svg")
_OURS = {CARD, CONFIG, KEYS, LEXICON, WEIGHTS, README, NOTICE, HISTORY, *PLOTS, CHECKPOINTS}
_MARKS = (CARD, f"{CHECKPOINTS}/{IDENTITY}")
"""Files of which one at least is there whenever a run has left anything in a folder."""

_ELSEWHERE = {"base_model", "revision", "start_from"} | {
    "device", "device_map", "max_memory", "attention", "gradient_checkpointing"
}  # fmt: skip
"""Options that the identity of a run names otherwise, or that change where it is computed and not what."""


@dataclass(frozen=True, slots=True)
class Job:
    """One training run, complete.

    Attributes:
        data: what it learns and what it is evaluated on.
        options: how.
        target: the adapter's folder.
        sources: the sources as the user named them.
        command: the command that runs the job again.
    """

    data: TrainingData
    options: TrainingOptions
    target: Path
    sources: Sequence[str]
    command: str

    def identity(self) -> dict[str, Any]:
        """Return everything that makes the adapter what it is."""
        settings = self.options.model_dump(exclude=_ELSEWHERE) | {"context_length": context_length(self.options)}
        base = model_identity(self.options.base_model, self.options.revision)
        start = self.options.start_folder()
        started = {"started_from": adapter_identity(start)["adapter"]} if start else {}
        return {"base": base, "data": self.data.hash(), "settings": settings, **started}

    def run_id(self) -> str:
        """Return a hash of the identity."""
        return fingerprint_of(self.identity())

    def has_checkpoint(self) -> bool:
        """Tell whether an interrupted run can go on."""
        return latest_checkpoint(self.target / CHECKPOINTS) is not None


def perform(job: Job, *, restart: bool = False, watch: Watch | None = None) -> dict[str, Any]:
    """Train an adapter and write its folder; what is there already of the same job is not done again.

    Args:
        job: the job.
        restart: discard checkpoints, and the finished adapter if there is one.
        watch: is told how far the run is.

    Returns:
        What stands in the folder's gnb.json.

    Raises:
        InputError: if the folder holds something else, or another adapter.
        KeyboardInterrupt: after Ctrl-C; the checkpoint is written then.
        SettingsError, ModelError, MissingDependencyError: as `claim` and `train`.
        LostProcessError: if another process of the run ends.
    """
    with together(job.options):
        finished = main_first(lambda: _prepare(job, restart=restart))
        if finished:
            return dict(finished)
        if job.options.trainer == "llama-recipes":
            from gnb.training.recipes import train
        else:
            from gnb.training.run import train
        trained = train(job.data, job.options, job.target / CHECKPOINTS, _replacing(job, watch) if is_main() else watch)
        return dict(main_first(lambda: _finish(job, trained)))


def check_target(target: Path) -> None:
    """Refuse a folder that no adapter can be written to.

    Raises:
        InputError: if it is a file, holds something else, or cannot be made or written.
    """
    there = next(path for path in (target, *target.absolute().parents) if path.exists())
    if not there.is_dir():
        raise InputError(f"{there} is a file; --to names the folder of the adapter.")
    found = sorted(path.name for path in target.iterdir()) if there == target else []
    is_ours = any((target / mark).is_file() for mark in _MARKS)
    if foreign := [name for name in found if not (is_ours and name in _OURS)]:
        raise InputError(f"{target} holds something else ({foreign[0]}); choose a folder that is new or empty.")
    if not os.access(there, os.W_OK | os.X_OK):
        raise InputError(f"Nothing can be written to {there}; choose another folder with --to.")


def _prepare(job: Job, *, restart: bool) -> dict[str, Any] | None:
    """Make the folder ready, in the main process; return the card if the job is done already."""
    finished = _finished(job, restart=restart)
    if not finished and is_main():
        claim(job.target / CHECKPOINTS, job.identity(), restart=restart)
    return finished


def _replacing(job: Job, watch: Watch | None) -> Watch:
    """Return a watch that takes the card from an adapter that is to be replaced, at the first step.

    An interrupted run would find the adapter otherwise, and not go on. One that fails before it begins leaves it whole.
    """

    def replace(now: Progress) -> None:
        (job.target / CARD).unlink(missing_ok=True)
        if watch:
            watch(now)

    return replace


def _finish(job: Job, trained: "Trained") -> dict[str, Any]:
    """Write the adapter's folder, in the main process; return the card."""
    if not is_main():
        return adapter_card(job.target)
    from gnb.training.output import write_folder

    card = write_folder(job, trained)
    shutil.rmtree(job.target / CHECKPOINTS)
    return card


def _finished(job: Job, *, restart: bool) -> dict[str, Any] | None:
    """Return the card of this very job if it is done; refuse a folder that holds anything else."""
    target = job.target
    check_target(target)
    card = target / CARD
    if restart or not card.is_file():
        return None
    found = adapter_card(target)
    if found.get("run") != job.run_id():
        raise InputError(f"{target} holds an adapter of other data or settings; choose another folder or --restart.")
    if not all((target / file).is_file() for file in (CONFIG, WEIGHTS)):
        return None
    shutil.rmtree(target / CHECKPOINTS, ignore_errors=True)
    return found
