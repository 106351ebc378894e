"""Which examples a run learns from, and which it is judged on while it learns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from gnb.core.errors import InputError
from gnb.core.fingerprint import canonical_json, hash_text, hash_texts
from gnb.core.records import Example
from gnb.core.splitting import shuffle_rank, split_examples
from gnb.core.text import comparison_key

Task = Literal["rewrite", "detect"]


@dataclass(frozen=True, slots=True)
class TrainingData:
    """The examples of a run: those to learn, those to evaluate on and to stop by, and how many lack what is learnt."""

    train: tuple[Example, ...]
    validation: tuple[Example, ...]
    unusable: int = 0

    def hash(self) -> str:
        """Return a hash of all that can change the adapter: texts, references, pairs and their order."""
        return hash_texts(
            canonical_json([split, example.text, example.references, example.category, example.metadata.get("pair")])
            for split, examples in (("train", self.train), ("validation", self.validation))
            for example in examples
        )

    def text_keys(self) -> list[str]:
        """Return the hash of each text's folded key, in order: who tests the adapter can see what it has met."""
        return sorted({hash_text(comparison_key(example.text)) for example in (*self.train, *self.validation)})


def select_data(
    examples: Sequence[Example],
    *,
    task: Task = "rewrite",
    unbiased_share: float = 1.0,
    seed: int = 0,
    limit: int | None = None,
) -> TrainingData:
    """Split examples as `gnb compare` does, and take those for training and validation; never those for the test.

    Args:
        examples: all examples of all sources.
        task: what is learnt: rewriting needs references, detection a label.
        unbiased_share: keep this share of the unbiased training examples, drawn at random.
        seed: of the split.
        limit: keep this many examples of each of the two splits at most, drawn at random; None for all.

    Raises:
        InputError: if no example for training can be used.
    """
    seen = [example for example in split_examples(examples, seed=seed) if example.split != "test"]
    usable = [example for example in seen if _is_usable(example, task)]
    train = [example for example in usable if example.split == "train"]
    unbiased = [example for example in train if example.biased is False]
    # by identity: two sources may have the same ids
    kept = {id(example) for example in _draw(unbiased, seed, round(unbiased_share * len(unbiased)))}
    train = [example for example in train if example.biased is not False or id(example) in kept]
    validation = [example for example in usable if example.split == "validation"]
    if not train:
        needed = "a reference" if task == "rewrite" else "a label"
        raise InputError(
            f"There is nothing to train on: of {len(examples)} examples, none is for training and has {needed}."
        )
    if task == "detect" and len({example.biased for example in train}) < 2:
        kind = "biased" if train[0].biased else "unbiased"
        raise InputError(f"A detector learns from biased and unbiased texts; all {len(train)} for training are {kind}.")
    return TrainingData(_draw(train, seed, limit), _draw(validation, seed, limit), len(seen) - len(usable))


def _is_usable(example: Example, task: Task) -> bool:
    return bool(example.references) if task == "rewrite" else example.biased is not None


def _draw(examples: Sequence[Example], seed: int, limit: int | None) -> tuple[Example, ...]:
    if limit is None or len(examples) <= limit:
        return tuple(examples)
    ranked = sorted(examples, key=lambda example: shuffle_rank(comparison_key(example.text), seed))
    return tuple(ranked[:limit])
