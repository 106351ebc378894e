"""The command line as such: mistakes, faults, Ctrl-C, closed pipes and locales, each in a real process."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gnb.cli.main import COMMANDS

GNB = [sys.executable, "-m", "gnb"]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `gnb` to its end."""
    return subprocess.run(
        [*GNB, *arguments], env={**os.environ, **environment}, encoding="utf-8", capture_output=True, check=False
    )


def test_an_unknown_command_is_refused_with_the_nearest_and_all() -> None:
    done = run("comparr")
    assert done.returncode == 2
    assert "There is no command 'comparr'. Did you mean 'compare'?" in done.stderr
    assert f"Existing: {', '.join(sorted(COMMANDS))}." in done.stderr
    assert done.stdout == ""


def test_an_unknown_option_is_refused_without_a_traceback() -> None:
    done = run("plugins", "--jsn")
    assert done.returncode == 2
    assert "No such option" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_command_shows_the_help() -> None:
    done = run()
    assert "Commands:" in done.stdout + done.stderr


def test_a_mistake_is_one_line_with_code_2() -> None:
    done = run("plugins", "nothing-like-it")
    assert done.returncode == 2
    assert done.stderr.startswith("Error: There is no component 'nothing-like-it'.")
    assert len(done.stderr.splitlines()) == 1


@pytest.fixture
def faulty(tmp_path: Path) -> str:
    """A folder whose `rich` raises, which nobody expects of it."""
    (tmp_path / "rich.py").write_text("raise ZeroDivisionError('no such luck')\n")
    return str(tmp_path)


def test_an_unexpected_error_does_nothing_to_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "rich.py").write_text("raise ZeroDivisionError('a\\x1b[31m\\ud800')\n")
    done = run("plugins", PYTHONPATH=str(tmp_path))
    assert done.returncode == 70
    assert done.stderr.startswith("Unexpected error: ZeroDivisionError: a\\x1b[31m\\ud800 (")


def test_an_unexpected_error_is_two_lines_with_code_70(faulty: str) -> None:
    done = run("plugins", PYTHONPATH=faulty)
    assert done.returncode == 70
    assert done.stderr.startswith("Unexpected error: ZeroDivisionError: no such luck (")
    assert "GNB_DEBUG=1 shows the traceback" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_traceback_of_an_unexpected_error_comes_on_request(faulty: str) -> None:
    done = run("plugins", PYTHONPATH=faulty, GNB_DEBUG="1")
    assert done.returncode == 70
    assert done.stderr.startswith("Traceback (most recent call last)")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(
    ("arguments", "code"), [("rewrite -r copy a", 0), ("rewrite -r copy", 0), ("detect -r copy زن", 2), ("nothing", 2)]
)
def test_standard_streams_may_be_closed(closed: str, arguments: str, code: int) -> None:
    command = ["sh", "-c", f'"$0" -m gnb {arguments} {closed}', sys.executable]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == code, done.stderr
    assert "Unexpected" not in done.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["plugins"], ["plugins", "--json"]])
def test_a_closed_pipe_ends_quietly(arguments: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as closed:
        done = subprocess.run([*GNB, *arguments], stdout=closed, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_line() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run([*GNB, "plugins"], stdout=full, stderr=subprocess.PIPE, encoding="utf-8", check=False)
    assert (done.returncode, done.stderr) == (1, "Error: No space left on device\n")


def test_ctrl_c_ends_with_code_130_and_no_traceback() -> None:
    command = [*GNB, "rewrite", "--rewriter", "copy"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write("سلام\n".encode())
        process.stdin.flush()
        process.stdout.readline()
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate()
    assert process.returncode == 130
    assert b"Traceback" not in stderr


@pytest.mark.parametrize(
    "environment",
    [
        {"LC_ALL": "C"},
        {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "ascii"},
    ],
)
def test_persian_is_written_in_any_locale(environment: dict[str, str]) -> None:
    done = run("rewrite", "--rewriter", "copy", "او می‌آید.", **environment)
    assert (done.returncode, done.stdout) == (0, "او می‌آید.\n"), done.stderr


def test_completion_of_the_shell_works() -> None:
    done = run(_GNB_COMPLETE="bash_complete", COMP_WORDS="gnb plu", COMP_CWORD="1")
    assert done.stdout.strip() == "plain,plugins"
