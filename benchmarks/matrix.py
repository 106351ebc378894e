"""A matrix that is already in the store, once more: the whole command in a fresh process.

Run: python -m benchmarks.matrix
The first run computes the copy row with the metrics that need no model; the shortest of five further runs counts.
"""

import subprocess
import sys
import tempfile
import time

COMMAND = ["-m", "gnb", "compare", "--rewriters", "copy", "--metrics", "bleu,edit,preservation,detection"]
ROUNDS = 5


def seconds(store: str) -> float:
    """Return how long one comparison took."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *COMMAND, "--store", store], check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    """Print the table as Markdown."""
    with tempfile.TemporaryDirectory() as folder:
        store = f"{folder}/store.sqlite"
        first = seconds(store)
        again = min(seconds(store) for _ in range(ROUNDS))
    print("| matrix of the test split | seconds |\n|---|---:|")
    print(f"| computed | {first:.2f} |\n| found in the store | {again:.2f} |")


if __name__ == "__main__":
    main()
