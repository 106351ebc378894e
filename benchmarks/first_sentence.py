"""From the start of the process to the first neutral sentence, and the memory that it takes.

Run: python -m benchmarks.first_sentence [--texts 180] [--rounds 3]
Each run of `gnb rewrite` is a process of its own. One that is not counted warms the caches up; of the others the
shortest time and the highest peak of resident memory count. Processor time (user and system, of all threads) says more
than the clock where others use the machine as well.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from gnb.core.splitting import split_examples
from gnb.sources.bundled import BundledOptions, BundledSource

SENTENCE = "مردان قوی هستند و زنان احساساتی."
WITHOUT_DETECTOR = ("-o", "lora.detector=none")


@dataclass(frozen=True, slots=True)
class Run:
    """Seconds to the first line, to the end, and of processor time, and the peak of resident memory in gigabytes."""

    first: float
    total: float
    processor: float
    memory: float


def rewrite(*arguments: str) -> Run:
    """Run `gnb rewrite` once.

    Raises:
        CalledProcessError: if it failed.
    """
    command = [sys.executable, "-m", "gnb", "rewrite", *arguments]
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        first = time.perf_counter() - start
        process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Run(first, time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 2**20)


def row(name: str, run: Run) -> str:
    """Return a row of the table."""
    return f"| {name} | {run.first:.1f} | {run.total:.1f} | {run.processor:.1f} | {run.memory:.2f} |"


def best(rounds: int, *arguments: str) -> Run:
    """Return the best times of some runs and their highest memory, after one that is not counted."""
    rewrite(*arguments)
    runs = [rewrite(*arguments) for _ in range(rounds)]
    return Run(
        min(run.first for run in runs),
        min(run.total for run in runs),
        min(run.processor for run in runs),
        max(run.memory for run in runs),
    )


def write_texts(folder: Path, count: int) -> Path:
    """Write texts of the test split into a file, one a line."""
    examples = split_examples(list(BundledSource(BundledOptions()).read(print)), seed=0)
    texts = [" ".join(example.text.split()) for example in examples if example.split == "test"][:count]
    file = folder / "texts.txt"
    file.write_text("\n".join([*texts, ""]), "utf-8")
    return file


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=180)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    print("| `gnb rewrite` | first line (s) | all (s) | processor (s) | peak memory (GB) |\n|---|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        file = write_texts(Path(folder), chosen.texts)
        for name, options in (("", ()), (", without the detector", WITHOUT_DETECTOR)):
            print(row(f"one sentence{name}", best(chosen.rounds, SENTENCE, *options)), flush=True)
            print(row(f"{chosen.texts} texts{name}", best(1, "--file", str(file), *options)), flush=True)


if __name__ == "__main__":
    main()
