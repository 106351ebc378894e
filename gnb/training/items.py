"""Turns examples into token sequences: prompt, answer and end token, with what the loss should look at."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from gnb.core.edits import edits
from gnb.core.records import Example
from gnb.models.prompt import Prompt


@dataclass(frozen=True, slots=True)
class Item:
    """One text with one reference, as tokens.

    Attributes:
        tokens: prompt, answer and end token.
        prompt_length: how many of the tokens are the prompt's.
        weights: the loss weight of each answer token, the end token included.
        group: items with the same group are best learnt side by side, as `group_of` tells.
    """

    tokens: tuple[int, ...]
    prompt_length: int
    weights: tuple[float, ...]
    group: str


@dataclass(slots=True)
class Encoded:
    """The items of some examples, of whichever task, and how many examples gave none and why."""

    items: list[Any] = field(default_factory=list)
    unusable: int = 0
    too_long: int = 0


def group_of(example: Example, number: int) -> str:
    """Return the group of an example's items: its contrast pair, or its own number, as sources may share ids."""
    pair = example.metadata.get("pair")
    return f"text {number}" if pair in (None, "") else f"pair {pair}"


@dataclass(frozen=True, slots=True)
class Encoder:
    """Encodes examples for one prompt.

    Attributes:
        prompt: the prompt, with the tokenizer of the base model.
        context_length: tokens that prompt and answer may take together; longer ones are left out and counted.
        change_weight: loss weight of answer tokens that differ from the text.
        all_references: one item for each reference rather than for the first.
    """

    prompt: Prompt
    context_length: int
    change_weight: float = 1.0
    all_references: bool = False

    def encode(self, examples: Iterable[Example]) -> Encoded:
        """Encode examples in their order."""
        encoded = Encoded()
        for number, example in enumerate(examples):
            references = [reference for reference in example.references if reference.strip()]
            if not (references and example.text.strip()):
                encoded.unusable += 1
                continue
            chosen = references if self.all_references else references[:1]
            found = list(self._items(example.text, chosen, group_of(example, number)))
            encoded.too_long += not found
            encoded.items += found
        return encoded

    def _items(self, text: str, references: Sequence[str], group: str) -> Iterator[Item]:
        prompt = self.prompt.encode(text.strip())
        for reference in references:
            answer, weights = self._answer(text, reference.strip())
            tokens = (*prompt, *answer)
            if len(tokens) <= self.context_length:
                yield Item(tokens, len(prompt), weights, group)

    def _answer(self, text: str, reference: str) -> tuple[tuple[int, ...], tuple[float, ...]]:
        tokenizer = self.prompt.tokenizer
        encoding = tokenizer(
            reference, add_special_tokens=False, split_special_tokens=True, return_offsets_mapping=True
        )
        # an edit that only takes words away shows in the token that comes next; the end token weighs 1 even then
        changed = [(edit.target_start, max(edit.target_end, edit.target_start + 1)) for edit in edits(text, reference)]
        weights = [
            self.change_weight if any(start < high and low < end for low, high in changed) else 1.0
            for start, end in encoding["offset_mapping"]
        ]
        return (*encoding["input_ids"], tokenizer.eos_token_id), (*weights, 1.0)
