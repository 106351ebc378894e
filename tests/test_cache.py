"""What is kept in the user's cache: found again, whole whoever writes it meanwhile, and done without."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gnb.core.filehash import hash_files
from gnb.core.kept import kept
from gnb.core.paths import write_cached

WRITER = """
import sys
from pathlib import Path
from gnb.core.paths import write_cached
for number in range(300):
    write_cached(Path(sys.argv[1]), "[" + "0," * (number * 100) + "0]")
"""


def test_what_was_worked_out_once_is_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GNB_CACHE", str(tmp_path / "cache"))
    assert kept("words", lambda: ["زن", "مرد"]) == ["زن", "مرد"]
    assert kept("words", lambda: pytest.fail("made anew")) == ["زن", "مرد"]


def test_a_file_that_several_processes_write_at_once_is_always_whole(tmp_path: Path) -> None:
    file = tmp_path / "numbers.json"
    write_cached(file, "[0]")
    processes = [subprocess.Popen([sys.executable, "-c", WRITER, str(file)]) for _ in range(3)]
    while any(process.poll() is None for process in processes):
        assert set(json.loads(file.read_text("utf-8"))) == {0}
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert list(tmp_path.iterdir()) == [file]


def test_a_cache_that_cannot_be_written_changes_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("GNB_CACHE", str(tmp_path / "file" / "cache"))
    assert kept("words", lambda: ["زن"]) == ["زن"]
    assert hash_files([tmp_path / "file"]) == hash_files([tmp_path / "file"])
