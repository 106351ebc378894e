"""Start-up: the light commands beside an interpreter that does nothing, in the same run.

Run: python -m benchmarks.startup
Each command runs in a fresh process, in turns with the bare interpreter, so that a busy machine slows both; the
shortest of ten rounds counts.
"""

import subprocess
import sys
import time

ROUNDS = 10
COMMANDS = ("--help", "compare --help", "plugins", "plugins bleu", "rewrite --rewriter copy سلام")


def seconds(arguments: list[str]) -> float:
    """Return how long a process took."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    return time.perf_counter() - start


def measure(command: str) -> tuple[float, float]:
    """Return the shortest times of the bare interpreter and of `gnb` with these arguments."""
    rounds = [(seconds(["-c", "pass"]), seconds(["-m", "gnb", *command.split()])) for _ in range(ROUNDS)]
    return min(bare for bare, _ in rounds), min(ours for _, ours in rounds)


def main() -> None:
    """Print the table as Markdown."""
    print("Start-up of the light commands\n")
    print("| command | python -c pass (s) | gnb (s) | ratio |\n|---|---:|---:|---:|")
    for command in COMMANDS:
        bare, ours = measure(command)
        print(f"| `gnb {command}` | {bare:.3f} | {ours:.3f} | {ours / bare:.1f} |", flush=True)


if __name__ == "__main__":
    main()
