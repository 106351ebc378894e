"""Preparation under fire: real processes are killed at random points, and no finished work or byte is lost."""

import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gnb.core.jsonl import example_to_json
from gnb.core.preparation.chunks import SIZE
from gnb.core.records import Example

WORDS = ["کتاب", "مدرسه", "شهر", "كارگر", "پزشک", "خانه  ها", "بازار", "معلم", "راننده", "میروم", "سفر", "باغ", "😀"]
CHUNKS = 8


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    chosen = random.Random(0)
    texts = (" ".join(chosen.choices(WORDS, k=14)) for _ in range(CHUNKS * SIZE))
    folder = tmp_path_factory.mktemp("source")
    lines = (example_to_json(Example(str(n), text)) + "\n" for n, text in enumerate(texts))
    (folder / "train.jsonl").write_text("".join(lines), "utf-8")
    return f"prepared:{folder}"


@pytest.fixture(scope="module")
def unbroken(source: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    target = tmp_path_factory.mktemp("unbroken") / "out"
    assert start(source, target, workers=1).wait() == 0
    return contents(target)


def start(source: str, target: Path, *, workers: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "gnb", "prepare", source, "--to", str(target), "--workers", str(workers)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def finished_chunks(target: Path) -> set[int]:
    file = target.with_name(f".{target.name}.preparing") / "work.sqlite"
    if not file.exists():
        return set()
    connection = sqlite3.connect(file)
    try:
        return {number for (number,) in connection.execute("select number from chunks")}
    except sqlite3.OperationalError:  # killed before the tables were made
        return set()
    finally:
        connection.close()


def wait_for_chunks(process: subprocess.Popen[str], target: Path, count: int) -> None:
    """Wait until so many chunks are cleaned, which the growing write-ahead log tells without opening the file."""
    log = target.with_name(f".{target.name}.preparing") / "work.sqlite-wal"
    while process.poll() is None and not (log.exists() and log.stat().st_size > count * 400_000):
        time.sleep(0.01)


def living_children(process: subprocess.Popen[str]) -> list[int]:
    """Return the processes of the session that the command began."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == process.pid and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


@pytest.mark.parametrize("workers", [1, 2])
def test_kill_9_at_random_points_loses_nothing(
    source: str, unbroken: dict[str, bytes], tmp_path: Path, workers: int
) -> None:
    target, moment = tmp_path / "out", random.Random(workers)
    finished: set[int] = set()
    for attempt in range(3):
        process = start(source, target, workers=workers)
        wait_for_chunks(process, target, (2, 5, 0)[attempt])
        time.sleep(moment.uniform(0, 0.5))
        process.kill()
        process.communicate()
        assert not target.exists() or contents(target) == unbroken
        if not target.exists():
            assert finished <= finished_chunks(target)
            finished = finished_chunks(target)
    process = start(source, target, workers=workers)
    assert process.wait() == 0, process.stderr.read()  # type: ignore[union-attr]
    assert contents(target) == unbroken
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_workers_do_not_outlive_a_killed_parent(source: str, tmp_path: Path) -> None:
    process = start(source, tmp_path / "out", workers=2)
    wait_for_chunks(process, tmp_path / "out", 1)
    assert len(living_children(process)) > 1
    process.kill()
    process.communicate()
    for _ in range(1000):
        if not living_children(process):
            break
        time.sleep(0.01)
    assert living_children(process) == []


def test_ctrl_c_says_how_to_go_on(source: str, unbroken: dict[str, bytes], tmp_path: Path) -> None:
    target = tmp_path / "out"
    process = start(source, target, workers=2)
    wait_for_chunks(process, target, 0)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 130, errors
    assert "the same command goes on from there" in errors
    assert "Traceback" not in errors
    assert not target.exists()
    assert start(source, target, workers=2).wait() == 0
    assert contents(target) == unbroken
