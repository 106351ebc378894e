"""Learning to detect: the loss of a text's category."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from gnb.core.calibration import Calibration, fit
from gnb.core.records import Example
from gnb.models.classifier import NEUTRAL, category_logits, encode
from gnb.models.detector import bias_score
from gnb.training.batches import IGNORED, Row
from gnb.training.data import TrainingData
from gnb.training.items import Encoded, group_of
from gnb.training.trainer import AdapterTrainer, Batch, split_batch


@dataclass(frozen=True, slots=True)
class LabelledItem:
    """One text with its category.

    Attributes:
        tokens: the text's tokens.
        label: the number of its category.
        group: as an `Item` has it.
    """

    tokens: tuple[int, ...]
    label: int
    group: str


def category_of(example: Example) -> str | None:
    """Return the category that an example is learnt as: "biased" where nobody has said which, None if unlabelled."""
    if example.biased is None:
        return None
    return (example.category or "biased") if example.biased else NEUTRAL


def categories_of(examples: Iterable[Example]) -> tuple[str, ...]:
    """Return the categories of some examples, that of unbiased texts first."""
    found = {category_of(example) for example in examples} - {None, NEUTRAL}
    return (NEUTRAL, *sorted(category for category in found if category))


def encode_labelled(
    examples: Iterable[Example], categories: Sequence[str], tokenizer: PreTrainedTokenizerBase, context_length: int
) -> Encoded:
    """Encode examples in their order; those without label, of an unknown category or too long are counted."""
    encoded = Encoded()
    for number, example in enumerate(examples):
        category = category_of(example)
        if category not in categories or not example.text.strip():
            encoded.unusable += 1
            continue
        tokens = tuple(encode(tokenizer, example.text))
        if len(tokens) > context_length:
            encoded.too_long += 1
            continue
        encoded.items.append(LabelledItem(tokens, categories.index(category), group_of(example, number)))
    return encoded


class DetectTrainer(AdapterTrainer):
    """Trains a classifier of categories.

    The loss of a text is the mean of two cross entropies: that of its category among all, and that of being biased at
    all, in which the categories of bias count as one. The second is what a threshold later cuts.
    """

    def collate(self, rows: Sequence[Row]) -> Batch:
        """Return `labels`, and the texts' tokens, padded with -1, as `input_ids`."""
        items = [item for row in rows for item in row]
        width = max(len(item.tokens) for item in items)
        return {
            "input_ids": torch.tensor([[*item.tokens, *[-1] * (width - len(item.tokens))] for item in items]),
            "labels": torch.tensor([item.label for item in items]),
        }

    def summed_loss(self, base: PreTrainedModel, inputs: Batch) -> tuple[torch.Tensor, int]:
        """Return the summed loss of a batch, in nats, and its number of texts."""
        labels = inputs["labels"]
        scores = category_logits(base, _texts(inputs), self.pad).log_softmax(-1)
        category = torch.nn.functional.nll_loss(scores, labels, reduction="sum", ignore_index=IGNORED)
        biased = torch.where(labels == 0, scores[:, 0], scores[:, 1:].logsumexp(-1))
        counted = labels != IGNORED
        return (category - biased[counted].sum()) / 2, int(counted.sum())

    def scores(self, rows: Sequence[Row]) -> list[float]:
        """Return the log-odds of bias of each text."""
        self.model.eval()
        found: list[float] = []
        with torch.no_grad():
            for start in range(0, len(rows), self.settings.batch_size):
                batch = self.collate(rows[start : start + self.settings.batch_size])
                for part in split_batch(batch, self.settings.forward_tokens):
                    logits = self.within(self.model_wrapped, category_logits, _texts(part), self.pad)
                    found += map(bias_score, logits.tolist())
        return found


def _texts(batch: Batch) -> list[list[int]]:
    """Return the tokens of each text of a batch, without its padding."""
    return [[token for token in row if token >= 0] for row in batch["input_ids"].tolist()]


def describe_detector(trainer: DetectTrainer, data: TrainingData) -> dict[str, Any]:
    """Return what a detector needs to know besides its weights: its categories, and its calibration.

    The calibration is fitted on the validation texts; without biased and unbiased ones, or if the scores of both are in
    the wrong order, the classifier's own probabilities stand.
    """
    rows = trainer.eval_dataset or []
    labels = [row[0].label > 0 for row in rows]
    calibration = fit(trainer.scores(rows), labels) if any(labels) and not all(labels) else Calibration()
    if calibration.slope <= 0:  # it learnt nothing that holds on other texts
        calibration = Calibration()
    return {"categories": list(categories_of(data.train)), "calibration": asdict(calibration)}
