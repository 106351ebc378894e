"""What is kept in the user's cache: found again, whole whoever writes it meanwhile, and done without."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_gguf import write_gguf
from tiny_model import build_tiny_chat_model

from gnb.core.errors import ModelError
from gnb.core.filehash import hash_files
from gnb.core.kept import kept
from gnb.core.paths import write_cached
from gnb.models.gguf import gguf_folder

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


@pytest.mark.parametrize("content", ["null", "[[[],1]]", "[" * 100_000, '{"', '{"a": 1}'])
def test_hashes_that_were_kept_badly_are_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    monkeypatch.setenv("GNB_CACHE", str(tmp_path))
    file = tmp_path / "file"
    file.touch()
    right = hash_files([file])
    (tmp_path / "file-hashes.json").write_text(content, "utf-8")
    assert hash_files([file]) == right


@pytest.fixture(scope="module")
def gguf_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gguf")
    return write_gguf(build_tiny_chat_model(folder / "model", template=None), folder / "tiny.gguf")


@pytest.fixture(scope="module")
def converted_model(gguf_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the cache that holds the model of a GGUF file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GNB_CACHE", str(tmp_path_factory.mktemp("cache")))
        return gguf_folder(gguf_file)


def test_a_model_in_a_shared_cache_can_be_read_by_all(converted_model: Path, tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    modes = {file.name: file.stat().st_mode for file in converted_model.iterdir()}
    assert "model.safetensors" in modes
    assert set(modes.values()) == {(tmp_path / "other").stat().st_mode}


@pytest.mark.parametrize(
    "lost",
    ["*", "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "generation_config.json"],
)
def test_a_model_of_the_cache_that_was_cut_off_is_told_with_what_helps(
    gguf_file: Path, converted_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    monkeypatch.setenv("GNB_CACHE", str(tmp_path))
    folder = shutil.copytree(converted_model, tmp_path / converted_model.name)
    assert gguf_folder(gguf_file) == folder
    for file in folder.glob(lost):
        file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(ModelError, match="Delete this folder; it is made again at the next call") as told:
        gguf_folder(gguf_file)
    assert str(folder) in str(told.value)
    shutil.rmtree(folder)
    folder.mkdir()
    with pytest.raises(ModelError, match="files are lacking"):
        gguf_folder(gguf_file)
    folder.rmdir()
    assert gguf_folder(gguf_file) == folder
