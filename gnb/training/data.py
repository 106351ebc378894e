"""Which examples a run learns from, and which it is judged on while it learns."""

from collections.abc import Sequence
from dataclasses import dataclass

from gnb.core.errors import InputError
from gnb.core.fingerprint import canonical_json, hash_text, hash_texts
from gnb.core.records import Example
from gnb.core.splitting import shuffle_rank, split_examples
from gnb.core.text import comparison_key


@dataclass(frozen=True, slots=True)
class TrainingData:
    """The examples of a run: those to learn, and those to evaluate on and to stop by."""

    train: tuple[Example, ...]
    validation: tuple[Example, ...]

    def hash(self) -> str:
        """Return a hash of all that can change the adapter: texts, references, pairs and their order."""
        return hash_texts(
            canonical_json([split, example.text, example.references, example.metadata.get("pair")])
            for split, examples in (("train", self.train), ("validation", self.validation))
            for example in examples
        )

    def text_keys(self) -> list[str]:
        """Return the hash of each text's folded key, in order: who tests the adapter can see what it has met."""
        return sorted({hash_text(comparison_key(example.text)) for example in (*self.train, *self.validation)})


def select_data(examples: Sequence[Example], *, seed: int = 0, limit: int | None = None) -> TrainingData:
    """Split examples as `gnb compare` does, and take those for training and validation; never those for the test.

    Args:
        examples: all examples of all sources.
        seed: of the split.
        limit: keep this many examples of each of the two splits at most, drawn at random; None for all.

    Raises:
        InputError: if no example for training has a reference.
    """
    usable = [example for example in split_examples(examples, seed=seed) if example.references]
    chosen = {
        split: _draw([example for example in usable if example.split == split], seed, limit)
        for split in ("train", "validation")
    }
    if not chosen["train"]:
        raise InputError(
            f"There is nothing to train on: of {len(examples)} examples, none is for training and has a reference."
        )
    return TrainingData(**chosen)


def _draw(examples: Sequence[Example], seed: int, limit: int | None) -> tuple[Example, ...]:
    if limit is None or len(examples) <= limit:
        return tuple(examples)
    ranked = sorted(examples, key=lambda example: shuffle_rank(comparison_key(example.text), seed))
    return tuple(ranked[:limit])
