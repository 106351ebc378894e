"""A bench on which tests train a tiny model, whatever the task."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gnb.training.callbacks import Progress
from gnb.training.data import TrainingData
from gnb.training.job import Job, perform
from gnb.training.options import TrainingOptions

# Of every task; an adapter that rewrites has a lexicon as well.
FILES = {
    "README.md",
    "NOTICE",
    "adapter_config.json",
    "adapter_model.safetensors",
    "gnb.json",
    "history.json",
    "loss.png",
    "loss.svg",
    "training_keys.txt",
}


@dataclass
class Bench:
    """Trains a tiny model on a few texts, on the processor, with dropout, so that chance has a say.

    In float32 unless a test says otherwise: a processor that knows bfloat16 would take that, and round more.
    """

    model: Path
    data: TrainingData
    folder: Path
    seen: list[Progress] = field(default_factory=list)

    def job(self, name: str = "adapter", **options: Any) -> Job:
        values = {"epochs": 2, "batch_size": 4, "learning_rate": 5e-3, "dropout": 0.1, "rank": 4}
        values |= {"device": "cpu", "dtype": "float32"}
        settings = TrainingOptions(base_model=str(self.model), **values | options)
        return Job(self.data, settings, self.folder / name, ("bundled",), "gnb train bundled")

    def train(self, name: str = "adapter", restart: bool = False, **options: Any) -> dict[str, Any]:
        self.seen.clear()
        return perform(self.job(name, **options), restart=restart, watch=self.seen.append)

    def history(self, name: str = "adapter") -> dict[str, list[dict[str, float]]]:
        return json.loads((self.folder / name / "history.json").read_text("utf-8"))

    def losses(self, name: str = "adapter") -> list[float]:
        return [entry["loss"] for entry in self.history(name)["train"]]


class KilledError(Exception):
    """Stands for the end of the process."""


def kill_at(step: int) -> Any:
    def watch(now: Progress) -> None:
        if now.step >= step:
            raise KilledError

    return watch


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
