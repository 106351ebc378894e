"""Training speed and memory: gnb's loss beside transformers' own, on the embedded model, in the same run.

Run: python -m benchmarks.train
The same 64 items of the bundled corpus, in batches of 8, one pass forward and backward through the default adapter.
`transformers` pads batches in the order of the corpus and takes the loss over the whole vocabulary at every position;
`gnb` groups them by length, computes the instruction once a batch and takes the loss where the answers are, over the
tokens that they can need. Each way runs in a process of its own, so that its peak of memory is its own.
"""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from gnb.models.loading import load_model
from gnb.sources.bundled import BundledOptions, BundledSource
from gnb.training.batches import Batches, collate, row_length
from gnb.training.data import select_data
from gnb.training.options import TrainingOptions
from gnb.training.rows import make_rows
from gnb.training.run import attach_adapter, make_trainer
from gnb.training.trainer import AdapterTrainer

ITEMS = 64
WAYS = ("transformers", "gnb")


def build(folder: Path, way: str) -> AdapterTrainer:
    """Return a trainer of the embedded model with fresh weights."""
    options = TrainingOptions()
    data = select_data(list(BundledSource(BundledOptions()).read(print)), limit=ITEMS)
    loaded = load_model(options, stored_embeddings=way == "gnb")  # as `gnb train` loads it
    rows = make_rows(data, options, loaded.tokenizer)
    return make_trainer(attach_adapter(loaded, options), loaded, rows, options, folder)


def batches_of(trainer: AdapterTrainer, *, grouped: bool) -> list[dict[str, torch.Tensor]]:
    """Return the tensors of each batch."""
    rows, size = trainer.train_dataset, trainer.settings.batch_size
    order = [list(range(start, start + size)) for start in range(0, len(rows), size)]
    if grouped:
        order = list(Batches(rows, batch_size=size, group_by_length=True, seed=0))
    return [collate([rows[number] for number in batch], trainer.pad) for batch in order]


def transformers_loss(trainer: AdapterTrainer, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Return the loss as transformers computes it from labels."""
    mask = (batch["input_ids"] != trainer.pad).long()
    loss: torch.Tensor = trainer.model(
        input_ids=batch["input_ids"], attention_mask=mask, labels=batch["labels"], use_cache=False
    ).loss
    return loss


def measure(way: str) -> dict[str, float]:
    """Return tokens a second, padding left out, and the peak of memory in gigabytes."""
    with TemporaryDirectory() as folder:
        trainer = build(Path(folder), way)
        batches = batches_of(trainer, grouped=way == "gnb")
        loss = transformers_loss if way == "transformers" else lambda t, batch: t.compute_loss(t.model, batch)
        loss(trainer, batches[0]).backward()
        start = time.perf_counter()
        for batch in batches:
            loss(trainer, batch).backward()
        seconds = time.perf_counter() - start
    tokens = sum(row_length(row) for row in trainer.train_dataset)
    return {"rate": tokens / seconds, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20}


def main() -> None:
    """Print the table as Markdown; with the name of a way, measure that way."""
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1])))
        return
    print("Training the embedded model\n\n| loss | tokens/s | ratio | peak memory (GB) |\n|---|---:|---:|---:|")
    first = 0.0
    for way in WAYS:
        command = [sys.executable, "-W", "ignore", "-m", "benchmarks.train", way]
        found = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
        first = first or found["rate"]
        print(f"| {way} | {found['rate']:.0f} | {found['rate'] / first:.2f} | {found['memory']:.1f} |")


if __name__ == "__main__":
    main()
