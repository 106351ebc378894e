"""The rows of tokens that a run learns from and is evaluated on."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gnb.core.errors import InputError
from gnb.core.records import Example
from gnb.models.placing import context_length
from gnb.models.prompt import Prompt
from gnb.training.batches import Row, pack
from gnb.training.data import TrainingData
from gnb.training.items import Encoded, Encoder
from gnb.training.options import TrainingOptions

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Encode = Callable[[Iterable[Example]], Encoded]


@dataclass(frozen=True, slots=True)
class Rows:
    """What a run learns from and is evaluated on, as rows of tokens, with the counts of what was left out."""

    train: list[Row]
    validation: list[Row]
    encoded: dict[str, Encoded]


def make_rows(data: TrainingData, options: TrainingOptions, tokenizer: "PreTrainedTokenizerBase") -> Rows:
    """Encode the examples for the task and put them into rows.

    Raises:
        InputError: if no training example can be learnt.
    """
    encode = _labelling(data, options, tokenizer) if options.task == "detect" else _answering(options, tokenizer)
    encoded = {"train": encode(data.train), "validation": encode(data.validation)}
    if not (train := encoded["train"]).items:
        raise InputError(
            f"None of the {len(data.train)} training examples can be learnt: {train.unusable} have a blank text or "
            f"reference, and {train.too_long} are longer than the context of {context_length(options)} tokens "
            "(-o train.context_length=TOKENS changes it)."
        )
    train_rows, validation_rows = (_rows(encoded[split], options) for split in ("train", "validation"))
    return Rows(train_rows, validation_rows, encoded)


def _answering(options: TrainingOptions, tokenizer: "PreTrainedTokenizerBase") -> Encode:
    return Encoder(
        Prompt(options.prompt, tokenizer),
        context_length(options),
        options.change_weight,
        all_references=options.references == "all",
    ).encode


def _labelling(data: TrainingData, options: TrainingOptions, tokenizer: "PreTrainedTokenizerBase") -> Encode:
    from gnb.training.detecting import categories_of, encode_labelled

    categories = categories_of(data.train)
    return lambda examples: encode_labelled(examples, categories, tokenizer, context_length(options))


def count(data: TrainingData, rows: Rows) -> dict[str, int]:
    """Return how many texts, items and tokens there are, and how many texts were left out."""
    train, validation = rows.encoded["train"], rows.encoded["validation"]
    return {
        "train": len(data.train),
        "validation": len(data.validation),
        "train_items": len(train.items),
        "validation_items": len(validation.items),
        "train_tokens": sum(len(item.tokens) for item in train.items),
        "validation_tokens": sum(len(item.tokens) for item in validation.items),
        "too_long": train.too_long + validation.too_long,
        "unusable": data.unusable + train.unusable + validation.unusable,
    }


def _rows(encoded: Encoded, options: TrainingOptions) -> list[Row]:
    if options.packing and options.task == "rewrite":
        return pack(encoded.items, options.packing)
    return [(item,) for item in encoded.items]
