"""The detector: is a text biased, how surely, and in which category?"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gnb.core.errors import ModelError
from gnb.core.sentences import GROUP, LONGEST, sentence_groups
from gnb.models import embedded
from gnb.models.adapters import (
    CARD,
    adapter_card,
    adapter_identity,
    attach_adapter,
    brings_classifier,
    check_base,
    resolve_adapter,
)
from gnb.models.calibrations import stored_calibration
from gnb.models.classifier import NEUTRAL, category_logits, encode, load_classifier
from gnb.models.light import load_light
from gnb.models.loading import LoadedModel, model_identity
from gnb.models.memory import NO_ROOM, in_fitting_parts
from gnb.models.options import ModelOptions
from gnb.models.quick import Asked, load_quick

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_PIECE = 256
"""Tokens that are judged at once; of a longer text the most biased piece counts."""
_BATCH_TOKENS = 2048


@dataclass(frozen=True, slots=True)
class Detection:
    """What the detector says of a text.

    Attributes:
        probability: that the text is biased, 0 to 1, calibrated on the detector's validation texts.
        category: the most probable category if it is biased.
    """

    probability: float
    category: str


class Detector:
    """A base model with an adapter and a classifier, as `gnb train --task detect` makes them.

    Args:
        options: how to load the base model, and which, unless the detector was made for the embedded one.
        name: "embedded" for the detector that ships, else its folder.

    Raises:
        ModelError: if there is no detector there, or it was made for another base model.
    """

    def __init__(self, options: ModelOptions, name: str) -> None:
        self._options = options
        self._batch_tokens = _BATCH_TOKENS
        self._asked = Asked()
        self._folder = resolve_adapter(name, kind="detector")
        card = adapter_card(self._folder)
        if card.get("task") != "detect" or "categories" not in card:
            raise ModelError(f"{self._folder} holds no detector; `gnb train --task detect --to FOLDER` makes one.")
        if card.get("base_model") == embedded.NAME:
            # it can stand in front of a rewriter of any model
            self._options = options.model_copy(
                update={"base_model": embedded.NAME, "revision": None, "quantisation": "none"}
            )
        found = model_identity(self._options.base_model, self._options.revision)["base_model"]
        if card.get("base_model", found) != found:
            raise ModelError(
                f"The detector {name!r} was made for base model {card['base_model']!r}, not {found!r}. "
                "Train one for it (gnb train --task detect) or set detector to none."
            )
        if not brings_classifier(self._folder):
            raise ModelError(f"The detector in {self._folder} is damaged: its weights hold no classifier.")
        self.categories = _categories(card["categories"], self._folder)
        self.calibration = stored_calibration(self._folder)

    def fingerprint(self) -> dict[str, Any]:
        """Return what could change a probability."""
        return {
            **adapter_identity(self._folder),
            "base": model_identity(self._options.base_model, self._options.revision),
            "categories": list(self.categories),
            "calibration": asdict(self.calibration),
            "sentences": [LONGEST, GROUP, _PIECE],
        }

    def detect(self, texts: Sequence[str]) -> list[Detection]:
        """Judge texts, each line break a space; a blank text is not biased."""
        loaded = self._load_for(texts)
        pieces = [self._pieces(text, loaded.tokenizer) for text in texts]
        logits = iter(self._logits(list(chain.from_iterable(pieces)), loaded))
        return [self._judge([next(logits) for _ in parts]) for parts in pieces]

    def _pieces(self, text: str, tokenizer: "PreTrainedTokenizerBase") -> list[list[int]]:
        """Cut a long text into groups of sentences."""
        line = " ".join(text.split())
        groups = sentence_groups(line) if line else []
        return list(chain.from_iterable(self._windows(group.strip(), tokenizer) for group in groups))

    def _windows(self, sentence: str, tokenizer: "PreTrainedTokenizerBase") -> list[list[int]]:
        """Cut a sentence beyond measure into pieces of one length; the last overlaps the one before."""
        tokens = encode(tokenizer, sentence)
        begin = tokens[: tokenizer.bos_token_id is not None]
        last = max(0, len(tokens) - _PIECE)
        places = (*range(0, last, _PIECE - len(begin)), last)
        return [[*begin, *tokens[place + len(begin) : place + _PIECE]] for place in places]

    def _logits(self, pieces: Sequence[Sequence[int]], loaded: LoadedModel) -> list[list[float]]:
        """Return the category logits of each piece; pieces of like length share a batch."""
        order = sorted(range(len(pieces)), key=lambda index: len(pieces[index]))
        size = max(1, self._batch_tokens // max((len(piece) for piece in pieces), default=1))
        found: list[list[float]] = []
        rows = [pieces[index] for index in order]
        run = partial(_category_logits, loaded)
        for _, logits in in_fitting_parts(run, rows, size, self._note_overflow):
            if logits is None:
                raise ModelError(f"The detector {NO_ROOM}, even for one text at a time.")
            found += logits
        placed = dict(zip(order, found, strict=True))
        return [placed[index] for index in range(len(pieces))]

    def _note_overflow(self, rows: Sequence[Sequence[int]]) -> None:
        self._batch_tokens = min(self._batch_tokens, len(rows) * max(map(len, rows)) // 2)

    def _judge(self, logits: list[list[float]]) -> Detection:
        if not logits:
            return Detection(0.0, NEUTRAL)
        if not all(map(math.isfinite, chain.from_iterable(logits))):
            raise ModelError(
                f"The detector in {self._folder} gives no finite numbers: its weights or those of its base model are "
                "damaged, or too large for dtype float16."
            )
        best = max(logits, key=bias_score)
        # rounded here, so that a threshold cuts the very number that is shown
        probability = round(self.calibration.probability(bias_score(best)), 4)
        return Detection(probability, self.categories[best.index(max(best[1:]), 1)])

    def _load_for(self, texts: Sequence[str]) -> LoadedModel:
        """Return the model that is done with these texts first, but none beside one that takes batches."""
        if self._asked.are_few(texts) and "_loaded" not in vars(self) and self._quick:
            return self._quick
        vars(self).pop("_quick", None)
        return self._loaded

    @cached_property
    def _quick(self) -> LoadedModel | None:
        check_base(self._folder, self._options)
        return load_quick(self._options, self._folder, len(self.categories))

    @cached_property
    def _loaded(self) -> LoadedModel:
        check_base(self._folder, self._options)
        light = load_light(self._options, self._folder, len(self.categories))
        return attach_adapter(light or load_classifier(self._options, len(self.categories)), self._folder)


def _category_logits(loaded: LoadedModel, rows: Sequence[Sequence[int]]) -> list[list[float]]:
    if quick := getattr(loaded.model, "category_logits", None):
        return [quick(row) for row in rows]
    import torch

    with torch.inference_mode():
        found: list[list[float]] = category_logits(loaded.model, rows, loaded.tokenizer.pad_token_id).tolist()
    return found


def _categories(found: Any, folder: Path) -> tuple[str, ...]:
    is_list = isinstance(found, list) and len(found) > 1 and all(isinstance(category, str) for category in found)
    if is_list and found[0] == NEUTRAL:  # else the logits would be taken for those of other categories
        return tuple(found)
    raise ModelError(
        f"{folder / CARD}: the categories are {found!r}, not a list of two names or more, {NEUTRAL!r} first; train the "
        "detector again."
    )


def bias_score(logits: Sequence[float]) -> float:
    """Return the log-odds of bias: all categories of bias against none.

    Args:
        logits: of one text, of each category, that of "none" first.
    """
    none, *kinds = logits
    if not all(map(math.isfinite, logits)):
        return 0.0
    highest = max(kinds)
    return highest + math.log(sum(math.exp(logit - highest) for logit in kinds)) - none
