"""Faults while comparing: killed processes, Ctrl-C, two at once, closed pipes. Nothing finished is lost."""

import json
import random
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from scripted import Workplace

from gnb.core.store import Store
from gnb.core.store_runs import find_run

COUNT = 60
ARGUMENTS = ("compare", "-s", f"numbers:{COUNT}", "-r", "scripted,two=scripted", "-m", "letters,edit", "--json")
OPTIONS = ("-o", "two.suffix=?", "-o", "scripted.log=log", "-o", "two.log=log")
SLOW = ("-o", "scripted.delay=0.01", "-o", "two.delay=0.01")


def rows(out: str) -> list[dict[str, Any]]:
    return json.loads(out)["rows"]


def unbroken(folder: Path) -> list[dict[str, Any]]:
    folder.mkdir()
    return rows(Workplace(folder).run(*ARGUMENTS, *OPTIONS)[0])


def asked(workplace: Workplace) -> list[str]:
    path = workplace.folder / "log"
    return path.read_text("utf-8").splitlines() if path.exists() else []


def stored(workplace: Workplace) -> int:
    path = workplace.folder / ".gnb" / "store.sqlite"
    if not path.exists():
        return 0
    with Store(path) as store:
        return store.read("SELECT count(*) FROM outputs WHERE raw IS NOT NULL")[0][0]  # all but those of copy


def wait_for_answers(workplace: Workplace, count: int, process: subprocess.Popen[bytes]) -> None:
    while len(asked(workplace)) < count and process.poll() is None:
        time.sleep(0.005)


def test_runs_killed_at_random_points_lose_no_answer_and_end_like_an_unbroken_one(workplace: Workplace) -> None:
    chance = random.Random(7)
    kills = 0
    for _ in range(6):
        process = workplace.start(*ARGUMENTS, *OPTIONS, *SLOW)
        wait_for_answers(workplace, len(asked(workplace)) + chance.randint(1, 20), process)
        time.sleep(chance.random() * 0.02)
        process.kill()
        process.communicate()
        kills += 1
        # The answer that was being written when the process died may be in the log alone.
        assert stored(workplace) >= len(asked(workplace)) - kills
    out, _ = workplace.run(*ARGUMENTS, *OPTIONS)
    assert rows(out) == unbroken(workplace.folder / "unbroken")
    assert 2 * COUNT <= len(asked(workplace)) <= 2 * COUNT + kills


@pytest.mark.parametrize("kind", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_signal_at_any_moment_of_a_short_run_does_no_harm(workplace: Workplace, kind: signal.Signals) -> None:
    chance = random.Random(11)
    for _ in range(4):
        process = workplace.start(*ARGUMENTS, *OPTIONS)
        time.sleep(chance.uniform(0.3, 1.2))
        process.send_signal(kind)
        process.communicate()
    out, _ = workplace.run(*ARGUMENTS, *OPTIONS)
    assert rows(out) == unbroken(workplace.folder / "unbroken")


def test_ctrl_c_ends_with_130_and_keeps_what_is_finished(workplace: Workplace) -> None:
    process = workplace.start(*ARGUMENTS, *OPTIONS, "-o", "two.stall_after=10")
    wait_for_answers(workplace, COUNT + 10, process)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert (process.returncode, out, err.decode()) == (130, b"", "Stopped.\n")
    assert stored(workplace) == COUNT + 10
    with Store(workplace.folder / ".gnb" / "store.sqlite") as store:
        run = find_run(store)
    assert (run.status, list(run.rows)) == ("interrupted", ["copy", "scripted"])
    out, _ = workplace.run(*ARGUMENTS, *OPTIONS)
    assert rows(out) == unbroken(workplace.folder / "unbroken")
    assert len(asked(workplace)) == 2 * COUNT


def test_two_comparisons_at_once_on_one_store_both_succeed(workplace: Workplace) -> None:
    pair = [workplace.start(*ARGUMENTS, *OPTIONS, *SLOW) for _ in range(2)]
    results = [(process.communicate(), process.returncode) for process in pair]
    assert [code for _, code in results] == [0, 0], results
    expected = unbroken(workplace.folder / "unbroken")
    assert [rows(out.decode()) for (out, _), _ in results] == [expected, expected]


def test_answers_that_differ_between_two_at_once_still_give_one_matrix(workplace: Workplace) -> None:
    arguments = (
        "compare",
        "-s",
        "numbers:40",
        "-r",
        "scripted",
        "-m",
        "letters",
        "--json",
        "-o",
        "scripted.delay=0.02",
    )
    pair = [workplace.start(*arguments, "-o", f"scripted.extra={extra}") for extra in ("x", "xx")]
    results = [process.communicate()[0].decode() for process in pair]
    scores = [[row["scores"] for row in rows(out)] for out in results]
    again = [row["scores"] for row in rows(workplace.run(*arguments)[0])]
    assert scores[0] == scores[1] == again


@pytest.mark.parametrize("command", ["compare", "samples"])
def test_a_closed_pipe_ends_quietly(workplace: Workplace, command: str) -> None:
    workplace.run("compare", "-s", "numbers:5000", "-r", "copy", "-m", "letters")
    arguments = {
        "compare": ("compare", "-s", "numbers:5000", "-r", "copy", "-m", "letters", "--json"),
        "samples": ("samples", "--limit", "0"),
    }[command]
    process = workplace.start(*arguments)
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 0


def test_a_component_that_calls_exit_ends_no_comparison(workplace: Workplace) -> None:
    out, _ = workplace.run(*ARGUMENTS, *OPTIONS, "-o", "scripted.exit_after=3", code=1)
    _, first, second = rows(out)
    assert first["error"] == "SystemExit: 5"
    assert second["scores"]["letters"]


def test_a_store_that_cannot_be_opened_is_told(workplace: Workplace) -> None:
    (workplace.folder / "file").touch()
    _, err = workplace.run(*ARGUMENTS, "--store", "file/store", code=2)
    assert err == "Error: file: the folder of the run store cannot be made (File exists).\n"
