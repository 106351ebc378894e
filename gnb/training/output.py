"""The folder that a training run leaves: weights, configuration, model card, history, plots."""

import copy
import json
import math
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gnb.core.errors import ModelError
from gnb.core.lexicon import mine_lexicon
from gnb.models.adapters import CARD, CONFIG, KEYS, LEXICON, WEIGHTS, training_keys
from gnb.models.loading import weights_identity
from gnb.training.card import licence_of, write_card
from gnb.training.curves import draw_curves
from gnb.training.job import HISTORY, NOTICE, PLOTS, README, Job

if TYPE_CHECKING:
    from peft import PeftModel

    from gnb.training.run import Trained

_LIBRARIES = ("torch", "transformers", "peft", "accelerate", "tokenizers", "gnb")
History = dict[str, list[dict[str, float]]]


def write_folder(job: Job, trained: "Trained") -> dict[str, Any]:
    """Write everything into the job's folder; gnb.json comes last, so that with it the folder is complete.

    Returns:
        What gnb.json says.

    Raises:
        ModelError: if the loss is no finite number.
    """
    folder = job.target
    history = tidy(trained.history)
    record = _record(job, trained, history)
    _check_loss(record, history["train"][-1]["loss"])
    _save_adapter(trained, folder, record["base_model"])
    _write_json(folder / HISTORY, history)
    for name in PLOTS:
        draw_curves(history, folder / name, task=job.options.task)
    (folder / KEYS).write_text("".join(f"{key}\n" for key in _texts_seen(job)), "utf-8")
    if job.options.task == "rewrite":
        mine_lexicon(job.data.train).save(folder / LEXICON)
    (folder / NOTICE).write_text(licence_of(job.options.base_model).notice + "\n", "utf-8")
    (folder / README).write_text(write_card(record), "utf-8")
    _write_json(folder / CARD, record)
    return record


def tidy(log: Sequence[dict[str, Any]]) -> History:
    """Return the losses that a training loop logged, by step: those of training, and those of validation."""
    kinds = {"train": "loss", "validation": "eval_loss"}
    return {
        kind: [
            {"step": entry["step"], "epoch": round(entry["epoch"], 4), "loss": entry[key]}
            | ({"learning_rate": entry["learning_rate"]} if "learning_rate" in entry else {})
            for entry in log
            if key in entry
        ]
        for kind, key in kinds.items()
    }


def _record(job: Job, trained: "Trained", history: History) -> dict[str, Any]:
    identity = job.identity()
    best = min(history["validation"], key=lambda entry: entry["loss"], default=None)
    return {
        "run": job.run_id(),
        "task": job.options.task,
        **trained.detector,
        **identity,
        "settings": {**identity["settings"], **_lora_settings(trained.model)},
        "base_model": identity["base"]["base_model"],
        "base_weights": weights_identity(job.options.base_model, job.options.revision),
        "prompt": job.options.prompt,
        "sources": list(job.sources),
        "counts": trained.counts,
        "steps": history["train"][-1]["step"],
        "train_loss": _last_epoch_loss(history["train"]),
        "best_step": best["step"] if best else None,
        "kept_step": best["step"] if best and job.options.keep == "best" else history["train"][-1]["step"],
        "validation_loss": trained.validation_loss,
        "parameters": trained.parameters,
        "vocabulary": trained.vocabulary,
        "versions": {name: metadata.version(name) for name in _LIBRARIES},
        "command": job.command,
    }


def _check_loss(record: Mapping[str, Any], last: float) -> None:
    """Refuse an adapter whose weights grew beyond all bounds: by its validation loss, else by that of the last step."""
    loss = last if record["validation_loss"] is None else record["validation_loss"]
    if not math.isfinite(loss):
        raise ModelError(
            "Training has diverged: the loss is no finite number. Lower the learning rate "
            f"(-o train.learning_rate=..., here {record['settings']['learning_rate']}) and add --restart."
        )


def _lora_settings(model: "PeftModel") -> dict[str, Any]:
    """Return the adapter's own rank and scale: those of the options do not hold for one that a run went on from."""
    config = model.peft_config["default"]
    return {"rank": config.r, "alpha": config.lora_alpha}


def _texts_seen(job: Job) -> list[str]:
    """Return the hashes of the texts of this run and of those that made the adapter it went on from."""
    start = job.options.start_folder()
    return sorted({*job.data.text_keys(), *(training_keys(start) if start else ())})


def _last_epoch_loss(steps: Sequence[dict[str, float]]) -> float:
    """Return the mean loss of the last epoch's steps, but for those without one, which float16 skips."""
    losses = [entry["loss"] for entry in steps if entry["epoch"] > steps[-1]["epoch"] - 1]
    finite = [loss for loss in losses if math.isfinite(loss)]
    return sum(finite) / len(finite) if finite else math.nan


def _save_adapter(trained: "Trained", folder: Path, base: str) -> None:
    # save_pretrained would ask the hub about the base model's vocabulary and write a card of its own
    from safetensors.torch import save_file

    halves = {name: weight.half().contiguous().cpu() for name, weight in trained.weights.items()}
    save_file(halves, folder / WEIGHTS)
    config = copy.copy(trained.model.peft_config["default"])
    config.base_model_name_or_path = base
    config.inference_mode = True
    values = {key: sorted(value) if isinstance(value, set) else value for key, value in config.to_dict().items()}
    _write_json(folder / CONFIG, values)


def _write_json(path: Path, values: object) -> None:
    path.write_text(json.dumps(values, ensure_ascii=False, indent=1) + "\n", "utf-8")
