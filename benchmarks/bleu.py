"""BLEU over hazm tokens: gnb's metric beside one reused hazm tokenizer and sacrebleu, on one core, in the same run.

Run: python -m benchmarks.bleu
Both start with their libraries loaded. The texts are the bundled corpus, each copy made distinct by a word of its own,
so that nothing is tokenised once for many; the "outputs" are half inputs, half references. Best of three rounds.
"""

import json
import os
import time
from collections.abc import Callable
from importlib import resources

from hazm.word_tokenizer import WordTokenizer
from sacrebleu.metrics.bleu import BLEU

from gnb.core.records import Example, Segment
from gnb.metrics.bleu import BleuMetric, BleuOptions
from gnb.metrics.tokens import word_tokenizer, word_tokens

SIZES = (200, 1_000, 5_000, 50_000)
ROUNDS = 3


def corpus_items() -> list[dict[str, list[str] | str]]:
    """Return the items of the bundled corpus."""
    files = sorted(resources.files("gnb").joinpath("data", "corpus").iterdir(), key=lambda file: file.name)
    return [json.loads(line) for f in files if f.name.endswith(".jsonl") for line in f.read_text("utf-8").splitlines()]


def segments(size: int) -> list[Segment]:
    """Return that many segments with one reference each, no two texts alike."""
    items = corpus_items()
    made = []
    for number in range(size):
        item = items[number % len(items)]
        text, neutral = f"{item['text']} الف{number}", f"{item['neutral'][0]} ب{number}"
        made.append(Segment(Example(str(number), text, (neutral,), True), text if number % 2 else f"{neutral} ج"))
    return made


def plain(tokenizer: WordTokenizer, pairs: list[Segment]) -> float:
    """Return BLEU as the plain loop does it."""
    outputs = [" ".join(tokenizer.tokenize(pair.hypothesis)) for pair in pairs]
    references = [" ".join(tokenizer.tokenize(pair.example.references[0])) for pair in pairs]
    score: float = BLEU(tokenize="none", force=True, smooth_method="none").corpus_score(outputs, [references]).score
    return score


def ours(pairs: list[Segment]) -> float | None:
    """Return BLEU as gnb does it, with no text tokenised before."""
    word_tokens.cache_clear()
    metric = BleuMetric(BleuOptions())
    return metric.score(metric.count(pairs))["bleu"]


def best_time(action: Callable[[], float | None]) -> tuple[float, float | None]:
    """Return the shortest of some rounds in seconds, and the result."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        result = action()
        times.append(time.perf_counter() - start)
    return min(times), result


def main() -> None:
    """Print the table as Markdown."""
    tokenizer = WordTokenizer()
    word_tokenizer()
    print(f"BLEU over hazm tokens, {len(os.sched_getaffinity(0))} cores\n")
    print("| segments | one tokenizer, one core (s) | gnb (s) | ratio | same BLEU |\n|---:|---:|---:|---:|---|")
    for size in SIZES:
        pairs = segments(size)
        base, expected = best_time(lambda pairs=pairs: plain(tokenizer, pairs))
        time_ours, result = best_time(lambda pairs=pairs: ours(pairs))
        same = "yes" if result == expected else f"no: {result} and {expected}"
        print(f"| {size:,} | {base:.3f} | {time_ours:.3f} | {base / time_ours:.2f} | {same} |")


if __name__ == "__main__":
    main()
