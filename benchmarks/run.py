"""Runs every benchmark of this folder, one after the other, and prints their tables as Markdown.

Run: make bench. docs/benchmarks.md keeps what was measured once, with what it means.
"""

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

FOLDER = Path(__file__).parent
LIBRARIES = ("gnb", "torch", "transformers", "hazm", "sacrebleu")


def machine() -> str:
    """Return what the numbers depend on: processor, cores, Python and the libraries."""
    names = [line for line in _lines(Path("/proc/cpuinfo")) if line.startswith("model name")]
    processor = names[0].partition(": ")[2] if names else platform.processor()
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in LIBRARIES)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{processor}, {cores} cores, Python {platform.python_version()}, {versions}."


def run(name: str) -> str | None:
    """Return what one benchmark printed, None if it failed."""
    print(f"{name} ...", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", f"benchmarks.{name}"]
    done = subprocess.run(command, cwd=FOLDER.parent, stdout=subprocess.PIPE, encoding="utf-8", check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def main() -> int:
    """Print a section for each benchmark, as it is done. Return 1 if one failed; the others are there."""
    names = [path.stem for path in sorted(FOLDER.glob("*.py")) if path.stem not in ("__init__", "run")]
    print(f"# Benchmarks\n\nOn {datetime.now(UTC):%Y-%m-%d}: {machine()}\nTimes in seconds.", flush=True)
    failed = False
    for name in names:
        text = run(name)
        failed = failed or text is None
        print(f"\n## {name}\n\n`python -m benchmarks.{name}`\n\n{text or 'This benchmark failed.'}", flush=True)
    return int(failed)


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


if __name__ == "__main__":
    sys.exit(main())
