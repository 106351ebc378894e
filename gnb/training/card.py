"""The model card of an adapter, and the licence of what it is built on."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from gnb.models.embedded import NAME


@dataclass(frozen=True, slots=True)
class Licence:
    """The licence of a base model: its name for the card's head, and the notice that goes with the adapter."""

    name: str
    notice: str


_GEMMA = Licence(
    "gemma",
    "Gemma is provided under and subject to the Gemma Terms of Use found at ai.google.dev/gemma/terms. "
    "This adapter was trained for Gemma 3 270M and is a Model Derivative under those terms; the use restrictions of "
    "the Gemma Prohibited Use Policy (ai.google.dev/gemma/prohibited_use_policy) apply to it.",
)
_LLAMA3 = Licence(
    "llama3",
    "Built with Meta Llama 3. Meta Llama 3 is licensed under the Meta Llama 3 Community License, "
    "Copyright © Meta Platforms, Inc. All Rights Reserved.",
)
_OTHER = Licence(
    "other", "The terms of the base model apply to this adapter as well; read them where the base model came from."
)


@dataclass(frozen=True, slots=True)
class _Task:
    """What the card of an adapter says of its task."""

    tag: str
    title: str
    summary: str
    use: str
    loss: str
    limit: str


_TASKS = {
    "rewrite": _Task(
        tag="text-generation",
        title="neutral versions of gender-biased Persian text",
        summary="Given the prompt in `gnb.json`, the model answers with a version of a Persian text that does not "
        "depend on anybody's gender, and with the text itself where it is unbiased.",
        use="Name this folder as the adapter: `gnb rewrite -o lora.adapter=FOLDER`.",
        loss="cross entropy a token of the answer, in nats, weighted as the settings say; prompts have none",
        limit="It misses biased texts, changes some unbiased ones and can write bad Persian. Have a person read what "
        "it writes.",
    ),
    "detect": _Task(
        tag="text-classification",
        title="is a Persian text gender-biased, and how?",
        summary="With the classifier over the last hidden state of a text's last token, which is among the weights, "
        "the model sorts a Persian text into the categories in `gnb.json`, the first of which means unbiased.",
        use="Name this folder as the detector: `gnb detect -o lora.detector=FOLDER`.",
        loss="mean of the cross entropies of the category and of being biased at all, in nats a text",
        limit="It misses biased texts and accuses unbiased ones: a probability is a reason to look, not a verdict. No "
        "person should be judged by it.",
    ),
}


def licence_of(base_model: str) -> Licence:
    """Return the licence of a base model, told by its name."""
    name = base_model.lower()
    if base_model == NAME or "gemma" in name:
        return _GEMMA
    return _LLAMA3 if "llama-3" in name else _OTHER


def write_card(record: Mapping[str, Any]) -> str:
    """Return the card in Markdown: the template `card.md`, filled in.

    Args:
        record: what gnb.json says of the run.
    """
    licence = licence_of(record["base_model"])
    template = resources.files("gnb.training").joinpath("card.md").read_text("utf-8")
    return template.format(
        record=record,
        task=_TASKS[record["task"]],
        counts=record["counts"],
        base=_base_sentence(record),
        sources=", ".join(f"`{source}`" for source in record["sources"]),
        start=_start(record),
        quality=_quality(record),
        settings=_table("setting", record["settings"]),
        versions=_table("library", record["versions"]),
        licence=licence.name,
        notice=licence.notice,
    )


def _start(record: Mapping[str, Any]) -> str:
    started = record.get("started_from")
    return f"It went on from the adapter whose files have the hash `{started}`. " if started else ""


def _quality(record: Mapping[str, Any]) -> str:
    loss = record["validation_loss"]
    if loss is None:
        return "There were no validation items."
    return (
        f"Validation loss of the weights as they are stored (float16): {loss:.4f}; it was lowest at step "
        f"{record['best_step']}."
    )


def _base_sentence(record: Mapping[str, Any]) -> str:
    base = record["base"]
    return ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in base.items() if value)


def _table(title: str, values: Mapping[str, Any]) -> str:
    rows = [f"| {key} | `{str(value).replace(chr(10), ' ⏎ ')}` |" for key, value in values.items()]
    return "\n".join([f"| {title} | value |", "|---|---|", *rows])
