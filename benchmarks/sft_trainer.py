"""Training by gnb beside TRL's SFTTrainer with its defaults: tokens a second, memory, and what was learnt.

Run: pip install trl, then: python -m benchmarks.sft_trainer [--steps 24] [--ways trl trl-float32 gnb]
The same model, LoRA matrices, batches of 8 in the same order, constant learning rate and number of steps; TRL gets
the very tokens of gnb's items, and takes its loss on the answers alone, as it does by default for prompts with
completions.
Its defaults also mean mixed bfloat16, which a processor may have to emulate; `trl-float32` leaves that out. gnb weighs
all answer tokens alike here, as TRL does. Each way trains in a process of its own; then gnb's own evaluation gives the
validation loss of each adapter on the same rows.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from peft import LoraConfig, PeftModel
from transformers import PrinterCallback, Trainer, set_seed

from gnb.models.loading import LoadedModel, load_model
from gnb.sources.bundled import BundledOptions, BundledSource
from gnb.training.batches import Batches, Row, row_length
from gnb.training.data import select_data
from gnb.training.options import TrainingOptions
from gnb.training.rows import Rows, make_rows
from gnb.training.run import attach_adapter, make_trainer

OPTIONS = TrainingOptions(epochs=1, schedule="constant", warmup=0.0, change_weight=1.0)
VALIDATION = 64


def make_data(loaded: LoadedModel, steps: int) -> Rows:
    """Return rows for one epoch of that many steps, and some for validation."""
    data = select_data(list(BundledSource(BundledOptions()).read(print)), limit=steps * OPTIONS.batch_size)
    rows = make_rows(replace(data, validation=data.validation[:VALIDATION]), OPTIONS, loaded.tokenizer)
    if len(rows.train) < steps * OPTIONS.batch_size:
        raise SystemExit(f"The corpus has only {len(rows.train)} items to train on; give fewer --steps.")
    return rows


def gnb_trainer(loaded: LoadedModel, rows: Rows, folder: Path) -> Trainer:
    """Return gnb's loop, which does not evaluate while it trains."""
    return make_trainer(attach_adapter(loaded, OPTIONS), loaded, replace(rows, validation=[]), OPTIONS, folder)


def trl_trainer(loaded: LoadedModel, rows: Rows, folder: Path, **arguments: Any) -> Trainer:
    """Return TRL's loop with what it does by default, but for what both loops are given."""
    from datasets import Dataset
    from torch.utils.data import SequentialSampler
    from trl import SFTConfig, SFTTrainer

    class InOrder(SFTTrainer):  # type: ignore[misc]
        def _get_train_sampler(self, dataset: Any = None) -> SequentialSampler:
            return SequentialSampler(self.train_dataset)

    settings = SFTConfig(
        output_dir=str(folder),
        num_train_epochs=OPTIONS.epochs,
        per_device_train_batch_size=OPTIONS.batch_size,
        learning_rate=OPTIONS.learning_rate,
        lr_scheduler_type="constant",
        seed=OPTIONS.seed,
        completion_only_loss=True,
        use_cpu=not torch.cuda.is_available(),
        report_to="none",
        disable_tqdm=True,
        **arguments,
    )
    lora = LoraConfig(
        r=OPTIONS.rank,
        lora_alpha=OPTIONS.alpha,
        lora_dropout=OPTIONS.dropout,
        target_modules=OPTIONS.target_modules,
        task_type="CAUSAL_LM",
    )
    batches = Batches(rows.train, batch_size=OPTIONS.batch_size, group_by_length=True, seed=OPTIONS.seed)
    return InOrder(
        model=loaded.model,
        args=settings,
        train_dataset=Dataset.from_list([as_columns(rows.train[place]) for batch in batches for place in batch]),
        processing_class=loaded.tokenizer,
        peft_config=lora,
    )


def as_columns(row: Row) -> dict[str, list[int]]:
    """Return a row as TRL takes what is tokenised already."""
    (item,) = row
    answer = len(item.tokens) - item.prompt_length
    return {"input_ids": list(item.tokens), "completion_mask": [0] * item.prompt_length + [1] * answer}


WAYS: dict[str, Callable[..., Trainer]] = {
    "trl": trl_trainer,
    "trl-float32": lambda *arguments: trl_trainer(*arguments, bf16=False),
    "gnb": gnb_trainer,
}


def train(way: str, steps: int, folder: Path) -> None:
    """Train an adapter and leave it in the folder with what it took."""
    loaded = load_model(OPTIONS, stored_embeddings=way == "gnb")  # as `gnb train` loads it
    rows = make_data(loaded, steps)
    set_seed(OPTIONS.seed)
    trainer = WAYS[way](loaded, rows, folder / "checkpoints")
    trainer.remove_callback(PrinterCallback)
    start = time.perf_counter()
    trainer.train()
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    trainer.model.save_pretrained(folder / "adapter")
    found = {
        "rate": sum(map(row_length, rows.train)) / seconds,
        "memory": peak,
        "steps": trainer.state.global_step,
    }
    (folder / "found.json").write_text(json.dumps(found), "utf-8")


def validation_loss(steps: int, folder: Path) -> float:
    """Return the mean loss of an adapter's answers, as gnb's evaluation takes it."""
    loaded = load_model(OPTIONS)
    rows = make_data(loaded, steps)
    model = PeftModel.from_pretrained(loaded.model, str(folder / "adapter"))
    return make_trainer(model, loaded, rows, OPTIONS, folder / "checkpoints").mean_loss(rows.validation)


def main() -> None:
    """Print the table as Markdown; with --train, train one way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS), help="the first one is the yardstick")
    parser.add_argument("--train", type=Path, metavar="FOLDER", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if find_spec("trl") is None:
        raise SystemExit("This benchmark needs TRL. Run: pip install trl")
    if chosen.train:
        train(chosen.ways[0], chosen.steps, chosen.train)
        return
    print(f"{chosen.steps} steps of {OPTIONS.batch_size} items\n")
    print("| loop | tokens/s | ratio | peak memory (GB) | validation loss |\n|---|---:|---:|---:|---:|")
    first = 0.0
    for way in chosen.ways:
        with TemporaryDirectory() as name:
            command = [sys.executable, "-W", "ignore", "-m", "benchmarks.sft_trainer", "--steps", str(chosen.steps)]
            subprocess.run([*command, "--ways", way, "--train", name], stdout=sys.stderr, check=True)
            found = json.loads((Path(name) / "found.json").read_text("utf-8"))
            loss = validation_loss(chosen.steps, Path(name))
        first = first or found["rate"]
        row = f"{found['rate']:.0f} | {found['rate'] / first:.2f} | {found['memory']:.1f} | {loss:.4f}"
        print(f"| {way} | {row} |", flush=True)


if __name__ == "__main__":
    main()
