"""Measures `gnb prepare`: cleaning beside the plain hazm loop, and the memory of a preparation of many rows.

Run: python -m benchmarks.prepare [--texts 60000] [--rounds 3] [--rows 1000000] [--workers 2]
"""

import argparse
import multiprocessing
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from gnb.core.cleaning import CleaningOptions
from gnb.core.components import Source
from gnb.core.jsonl import example_to_json
from gnb.core.options import Options
from gnb.core.preparation import Input, Plan, prepare
from gnb.core.preparation.chunks import clean_chunk, make_chunks
from gnb.core.preparation.pool import map_in_order
from gnb.core.records import Example, Report
from gnb.sources.bundled import BundledOptions, BundledSource


class GeneratedSource(Source):
    """Yields as many random sentences as asked for, made of the words of the bundled corpus."""

    def __init__(self, rows: int) -> None:
        super().__init__(Options())
        self.rows = rows

    def read(self, report: Report) -> Iterator[Example]:
        """Yield the rows; each fifth one is biased, and so has another reference."""
        words = [word for text in corpus_texts() for word in text.split()]
        chosen = random.Random(0)
        for number in range(self.rows):
            text = " ".join(chosen.choices(words, k=chosen.randint(8, 24)))
            biased = number % 5 == 0
            reference = " ".join(chosen.choices(words, k=12)) if biased else text
            yield Example(str(number), text, (reference,), biased, "occupation" if biased else "none")


def corpus_texts() -> list[str]:
    """Return the texts of the bundled corpus."""
    return [example.text for example in BundledSource(BundledOptions()).read(lambda problem: None)]


def plain_loop(texts: list[str]) -> None:
    """The loop one would write: one process, one reused normaliser."""
    from hazm import Normalizer

    normalizer = Normalizer()
    for text in texts:
        normalizer.normalize(text)


def gnb_cleaning(texts: list[str], options: CleaningOptions, workers: int) -> None:
    """What `gnb prepare` does to the same texts: all rules, keys and records, in worker processes."""
    lines = (example_to_json(Example(str(number), text)).encode() for number, text in enumerate(texts))
    for _ in map_in_order(clean_chunk, make_chunks(lines, options, ""), workers):
        pass


def measure_speed(size: int, rounds: int, workers: int) -> None:
    """Time the contenders in turn, start-up included, and print the medians."""
    corpus = corpus_texts()
    texts = [corpus[number % len(corpus)] for number in range(size)]
    contenders: dict[str, Callable[[], None]] = {
        "plain hazm loop": lambda: plain_loop(texts),
        "gnb, careful rules": lambda: gnb_cleaning(texts, CleaningOptions(), workers),
        "gnb, all of hazm's rules": lambda: gnb_cleaning(texts, CleaningOptions.named("published"), workers),
    }
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, contender in contenders.items():
            start = time.perf_counter()
            contender()
            times[name].append(time.perf_counter() - start)
    plain = statistics.median(times["plain hazm loop"])
    print(f"\n{size:,} texts, {workers} workers, median of {rounds} rounds, {os.cpu_count()} cores\n")
    print("| what | seconds | texts/s | ratio |\n|---|---:|---:|---:|")
    for name, taken in times.items():
        median = statistics.median(taken)
        print(f"| {name} | {median:.1f} | {size / median:,.0f} | {plain / median:.2f} |")


def peak_megabytes(process: int) -> float:
    """Return the most memory that a process ever held, as Linux tells it."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def measure_memory(rows: int, workers: int) -> None:
    """Prepare generated rows and print time and peak memory; the sum is an upper bound, as processes share pages."""
    peaks: dict[int, float] = {}

    def track(what: str, done: int, total: int) -> None:
        peaks.update({child.pid: peak_megabytes(child.pid) for child in multiprocessing.active_children() if child.pid})

    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        plan = Plan(target=Path(folder) / "out", workers=workers)
        manifest = prepare([Input("generated", GeneratedSource(rows))], plan, track).manifest
        size = sum(path.stat().st_size for path in plan.target.iterdir())
    taken, own, kept = time.perf_counter() - start, peak_megabytes(os.getpid()), manifest["counts"]["texts"]
    print(f"\n{rows:,} generated rows, {kept:,} texts, {size / 1e6:,.0f} MB written, {workers} workers\n")
    print("| seconds | main process MB | workers MB | sum at most MB |\n|---:|---:|---:|---:|")
    print(f"| {taken:.0f} | {own:.0f} | {sum(peaks.values()):.0f} | {own + sum(peaks.values()):.0f} |")


def main() -> None:
    """Print the tables as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=60_000, help="texts for the speed, 0 to leave it out")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows for the memory, 0 to leave it out")
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    if arguments.rows:  # first, while this process has loaded nothing else
        measure_memory(arguments.rows, arguments.workers)
    if arguments.texts:
        measure_speed(arguments.texts, arguments.rounds, arguments.workers)


if __name__ == "__main__":
    main()
