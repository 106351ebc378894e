"""Corpus BLEU (Papineni et al. 2002) over hazm tokens, computed by sacrebleu (Post 2018) from counts of segments.

The counts are sacrebleu's own, got faster and one segment at a time, so that references can be neither transposed nor
too few, whatever their number. There is no smoothing, so that with one reference a segment the number is that of
Hugging Face evaluate, times 100.
"""

import os
import sys
import warnings
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib.metadata import version
from itertools import chain
from multiprocessing import get_context
from signal import SIG_IGN, SIGINT, signal
from typing import ClassVar

from pydantic import Field

from gnb.core.components import Column, Counts, Metric, Record, Scores
from gnb.core.options import Options
from gnb.core.records import Segment
from gnb.metrics.counting import sum_counts
from gnb.metrics.tokens import word_tokenizer, word_tokens

PARALLEL_FROM = 2_000
"""Segments from which a process pool pays: starting it takes as long as counting a few hundred (benchmarks/bleu.py)."""

CHUNK = 500
"""Segments handed to a worker at once, about 50 ms of work: Ctrl-C waits no longer, and workers end together."""

_Texts = tuple[str, tuple[str, ...]]
"""A hypothesis and its references."""


class BleuOptions(Options):
    """Options of the metric `bleu`."""

    max_ngram_order: int = Field(default=4, ge=1, le=9)
    """Longest n-gram counted, in tokens, 1 to 9; 4 is BLEU as everyone reports it."""


class BleuMetric(Metric):
    """Corpus BLEU, also of the biased texts alone: copying the unbiased ones scores high without any skill."""

    options_model: ClassVar[type[Options]] = BleuOptions
    options: BleuOptions
    columns: Sequence[Column] = (
        Column("bleu", "BLEU"),
        Column("bleu_biased", "BLEU biased"),
        Column("brevity_penalty", "BP", best="", digits=3),
        Column("length_ratio", "length ratio", best="", digits=3),
    )

    def fingerprint(self) -> Record:
        """Return the options, and the libraries that tokenise and count."""
        return {
            "metric": "bleu",
            "tokens": "hazm",
            "smoothing": "none",
            **self.options.model_dump(),
            "hazm": version("hazm"),
            "sacrebleu": version("sacrebleu"),
        }

    def count(self, segments: Sequence[Segment]) -> list[Counts]:
        """Count the n-grams of each segment with a reference, on all cores where there are many."""
        judged = [segment for segment in segments if segment.example.references]
        texts = [(segment.hypothesis, segment.example.references) for segment in judged]
        rows = iter(_count_all(texts, self.options.max_ngram_order))
        keys = _keys(self.options.max_ngram_order)
        return [
            {"biased": int(bool(segment.example.biased)), **dict(zip(keys, next(rows), strict=True))}
            if segment.example.references
            else {}
            for segment in segments
        ]

    def score(self, counts: Sequence[Counts]) -> Scores:
        """Return BLEU (0 to 100) of all segments and of the biased ones, and what it is made of for all.

        That is: `precision_1` and on (0 to 100), `brevity_penalty`, `length_ratio`, and the lengths in tokens,
        `translation_length` and `reference_length`.
        """
        biased = self._score([count for count in counts if count.get("biased")])
        return {**self._score(counts), "bleu_biased": biased["bleu"]}

    def _score(self, counts: Sequence[Counts]) -> dict[str, float | None]:
        total = sum_counts(counts)
        orders = range(1, self.options.max_ngram_order + 1)
        if not total:
            parts = ("brevity_penalty", "length_ratio", *(f"precision_{n}" for n in orders))
            return dict.fromkeys(("bleu", *parts)) | {"translation_length": 0.0, "reference_length": 0.0}
        from sacrebleu.metrics.bleu import BLEU

        result = BLEU.compute_bleu(
            correct=[int(total[f"correct_{n}"]) for n in orders],
            total=[int(total[f"total_{n}"]) for n in orders],
            sys_len=int(total["translation_length"]),
            ref_len=int(total["reference_length"]),
            max_ngram_order=len(orders),
        )
        return {
            "bleu": result.score,
            **{f"precision_{n}": result.precisions[n - 1] if total[f"total_{n}"] else None for n in orders},
            "brevity_penalty": result.bp,
            "length_ratio": result.ratio if result.ref_len else None,
            "translation_length": float(result.sys_len),
            "reference_length": float(result.ref_len),
        }


def _keys(order: int) -> list[str]:
    orders = range(1, order + 1)
    lengths = ["translation_length", "reference_length"]
    return lengths + [f"correct_{n}" for n in orders] + [f"total_{n}" for n in orders]


def _count_one(texts: _Texts, order: int) -> list[int]:
    """Return the counts of one segment, as `_keys` names them."""
    hypothesis, *references = (word_tokens(text) for text in (texts[0], *texts[1]))
    length = len(hypothesis)
    # Of several references, the length that counts is the closest, then the shorter.
    closest = min((len(reference) for reference in references), key=lambda other: (abs(other - length), other))
    correct = [_matches(hypothesis, references, n) for n in range(1, order + 1)]
    return [length, closest, *correct, *(max(length - n, 0) for n in range(order))]


def _matches(hypothesis: Sequence[str], references: Sequence[Sequence[str]], n: int) -> int:
    """Count the n-grams of the hypothesis that a reference has, each as often as the one that has most of it."""
    made, wanted = _ngrams(hypothesis, n), [_ngrams(reference, n) for reference in references]
    unique = set(made)
    if len(unique) == len(made):  # nearly always, and sets are much faster than counters
        return len(unique.intersection(chain.from_iterable(wanted)))
    most: Counter[tuple[str, ...]] = Counter()
    for grams in wanted:
        most |= Counter(grams)
    return (Counter(made) & most).total()


def _ngrams(tokens: Sequence[str], n: int) -> list[tuple[str, ...]]:
    return list(zip(*(tokens[start:] for start in range(n)), strict=False))


def _count_all(texts: Sequence[_Texts], order: int) -> list[list[int]]:
    count = partial(_count_one, order=order)
    workers = len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1
    if len(texts) < PARALLEL_FROM or workers < 2:
        return [count(pair) for pair in texts]
    word_tokenizer()  # loaded before the fork, so that the workers have it at once
    with warnings.catch_warnings():
        # Python 3.12 warns of forking beside threads, such as torch's; the workers touch nothing but strings.
        warnings.simplefilter("ignore", DeprecationWarning)
        with ProcessPoolExecutor(workers, get_context("fork"), signal, (SIGINT, SIG_IGN)) as pool:
            return list(pool.map(count, texts, chunksize=CHUNK))
