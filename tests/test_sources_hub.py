"""The hub source, against a stand-in hub on loopback."""

import io
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dataset_server import DatasetHub, Files, serve_datasets

pytest.importorskip("datasets")

READ = """
import json, sys, time
from gnb.core.errors import GnbError
from gnb.core.reading import read_source
from gnb.plugins.manager import installed_plugins

time.sleep = lambda seconds: None  # between the client's own tries
registry = installed_plugins().registry
results = []
for options in json.loads(sys.stdin.read()):
    try:
        examples, problems = read_source(registry.create("source", "hub", options))
        read = [[each.id, each.text, list(each.references), each.biased, each.split] for each in examples]
        results.append({"examples": read, "problems": list(map(str, problems.kept)), "notes": problems.notes})
    except GnbError as error:
        results.append({"error": str(error)})
print(json.dumps(results))
"""
"""Reads datasets one after the other: a process of its own, since the libraries note the hub's address at import."""


def parquet(**columns: Any) -> bytes:
    target = io.BytesIO()
    pq.write_table(pa.table(columns), target)
    return target.getvalue()


def lines(*rows: dict[str, Any]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


TRAIN = parquet(id=["1", "2"], dialogue=["مرد عمل", "سلام"], summary=["اهل عمل", "سلام"])
TEST = parquet(id=["1"], dialogue=["قول مردانه"], summary=["قول محکم"])
CARD = "---\nconfigs:\n- config_name: default\n  data_files:\n  - split: train\n    path: {}\n---\n"
"""A dataset card that names the files of the dataset; in `someone/else` one that lies on the reader's machine."""
REPOSITORIES: dict[str, Files] = {
    "someone/neutral": {
        "README.md": b"# Card\n",
        "data/train-00000-of-00001.parquet": TRAIN,
        "data/test-00000-of-00001.parquet": TEST,
    },
    "someone/lines": {"dev.jsonl": lines({"متن": "مرد\u2028عمل", "n": 1}), "odd.jsonl": lines({"متن": "سلام", "n": 2})},
    "someone/raw": {
        "README.md": b"---\nconfigs:\n- config_name: default\n  data_files:\n  - split: raw\n    path: a.jsonl\n---\n",
        "a.jsonl": lines({"text": "مرد عمل", "split": "dev"}),
    },
    "someone/script": {"README.md": b"", "script.py": b"raise SystemExit('this must never run')\n"},
    "someone/pickle": {"train.pkl": b"\x80\x04."},
    "someone/images": {"train/a.png": b"\x89PNG\r\n\x1a\n"},
    "someone/damaged": {"train.parquet": TRAIN[:200]},
}


def read_all(folder: Path, endpoint: str, options: list[dict[str, Any]], **environment: str) -> list[dict[str, Any]]:
    kept = {
        name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy") and name[:3] != "HF_"
    }
    process = subprocess.run(
        [sys.executable, "-c", READ],
        input=json.dumps(options),
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**kept, "HF_ENDPOINT": endpoint, "HF_HOME": str(folder / "hf"), **environment},
    )
    assert process.returncode == 0, process.stderr
    assert "s3cret" not in process.stderr + process.stdout
    return json.loads(process.stdout)


ASKED: dict[str, dict[str, Any]] = {
    "streamed": {"name": "someone/neutral"},
    "downloaded": {"name": "someone/neutral", "streaming": False},
    "test": {"name": "someone/neutral", "split": "test", "revision": "v1", "metadata": True},
    "raw": {"name": "someone/raw", "split": "raw"},
    "no split": {"name": "someone/neutral", "split": "tset"},
    "no column": {"name": "someone/neutral", "text": "x"},
    "no revision": {"name": "someone/neutral", "revision": "v9"},
    "lines": {"name": "someone/lines", "text": "متن"},
    "no such": {"name": "someone/nothing"},
    "private": {"name": "private/x"},
    "gated": {"name": "gated/x"},
    "script": {"name": "someone/script"},
    "pickle": {"name": "someone/pickle"},
    "images": {"name": "someone/images"},
    "else": {"name": "someone/else"},
    "damaged": {"name": "someone/damaged"},
    "no name": {"name": "gender neutralize"},
    "no home": {"name": "~nobody-of-that-name/data"},
    "folder": {"name": "copy"},
}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatasetHub]:
    secret = tmp_path_factory.mktemp("private") / "diary.txt"
    secret.write_text("dear diary\n", "utf-8")
    card = {"README.md": CARD.format(secret).encode(), "a.txt": b"x\n"}
    with serve_datasets({**REPOSITORIES, "someone/else": card}) as hub:
        yield hub


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the libraries keep their cache."""
    return tmp_path_factory.mktemp("hub")


@pytest.fixture(scope="module")
def results(hub: DatasetHub, folder: Path) -> dict[str, dict[str, Any]]:
    """What reading each of `ASKED` gave."""
    (folder / "copy/data").mkdir(parents=True)
    (folder / "copy/data/train.parquet").write_bytes(TRAIN)
    found = read_all(folder, hub.url, list(ASKED.values()))
    return dict(zip(ASKED, found, strict=True))


@pytest.mark.parametrize("how", ["streamed", "downloaded"])
def test_a_dataset_is_read_split_by_split(results: dict[str, Any], how: str) -> None:
    assert sorted(results[how]["examples"]) == [
        ["test/1", "قول مردانه", ["قول محکم"], True, "test"],
        ["train/1", "مرد عمل", ["اهل عمل"], True, "train"],
        ["train/2", "سلام", ["سلام"], False, "train"],
    ]
    assert (
        "someone/neutral/train: text from 'dialogue', references from 'summary', id from 'id'" in results[how]["notes"]
    )


def test_one_split_of_one_revision_is_read(results: dict[str, Any]) -> None:
    assert results["test"]["examples"] == [["test/1", "قول مردانه", ["قول محکم"], True, "test"]]


def test_a_chosen_split_with_another_name_leaves_the_column_of_the_split(results: dict[str, Any]) -> None:
    assert results["raw"]["examples"] == [["someone/raw/raw:1", "مرد عمل", [], None, "validation"]]


def test_columns_are_mapped_and_splits_with_other_names_are_none(results: dict[str, Any]) -> None:
    read = {row[1]: row[4] for row in results["lines"]["examples"]}
    assert "مرد\u2028عمل" in read
    assert set(read.values()) <= {"validation", "train", None}


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("no split", "Did you mean 'test'? Existing: test, train"),
        ("no column", "there is no column 'x'. Columns: 'id', 'dialogue', 'summary'"),
        ("no revision", "there is no such dataset, revision or file"),
        ("no such", "does not exist, or is not public; for that, set HF_TOKEN"),
        ("private", "does not exist, or is not public; for that, set HF_TOKEN"),
        ("gated", "accept its terms on its page and set HF_TOKEN"),
        ("script", "scripts are no longer supported"),
        ("pickle", "No (supported) data files found"),
        ("images", "its files are read by 'imagefolder'; gnb reads parquet, json, csv, text, arrow files only"),
        ("else", "Data files don't belong to someone/else"),
        ("damaged", "someone/damaged: cannot be read from the hub"),
        ("no home", "is neither a folder nor the name of a dataset"),
        ("no name", "is neither a folder nor the name of a dataset of the hub, OWNER/NAME"),
    ],
)
def test_what_cannot_be_read_ends_in_one_line(results: dict[str, Any], asked: str, message: str) -> None:
    error = results[asked].get("error", "")
    assert message in error
    assert "\n" not in error


def test_nothing_but_the_datasets_is_asked_for(results: dict[str, Any], hub: DatasetHub) -> None:
    assert results
    assert [line for line in hub.asked if "/datasets/" not in line] == []


def test_a_folder_laid_out_as_a_dataset_is_read_without_the_hub(results: dict[str, Any], hub: DatasetHub) -> None:
    assert [row[0] for row in results["folder"]["examples"]] == ["train/1", "train/2"]
    assert [line for line in hub.asked if "copy" in line] == []


def test_what_the_cache_holds_is_read_offline(results: dict[str, Any], hub: DatasetHub, folder: Path) -> None:
    asked = len(hub.asked)
    names = ("someone/neutral", "someone/lines")
    options = [{"name": name, "streaming": False} for name in names]
    cached, other = read_all(folder, hub.url, options, HF_HUB_OFFLINE="1")
    assert sorted(cached["examples"]) == sorted(results["downloaded"]["examples"])
    assert "someone/lines: cannot be read from the hub: Couldn't reach" in other["error"]
    assert len(hub.asked) == asked


def test_a_password_in_the_address_of_the_hub_is_not_shown(tmp_path: Path, hub: DatasetHub) -> None:
    [offline] = read_all(tmp_path, "http://user:s3cret@127.0.0.1:9", [{"name": "someone/neutral"}])
    assert "the hub at 127.0.0.1:9 does not answer" in offline["error"]
    # what the libraries below say and log holds the whole address
    [cached] = read_all(tmp_path, "http://user:s3cret@127.0.0.1:9", [{"name": "someone/neutral"}], HF_HUB_OFFLINE="1")
    assert "cannot be read" in cached["error"]
    [trouble] = read_all(tmp_path, hub.url.replace("//", "//user:s3cret@"), [{"name": "trouble/x"}])
    assert "cannot be read" in trouble["error"]


@pytest.mark.parametrize("address", ["http://user:s3cret@localhost:80a0", "user:s3cret@mirror.example"])
def test_a_malformed_address_of_the_hub_is_told_in_one_line(tmp_path: Path, address: str) -> None:
    [read] = read_all(tmp_path, address, [{"name": "someone/neutral"}])
    assert read["error"].startswith("HF_ENDPOINT is no address")


@pytest.mark.parametrize("streaming", [True, False])
def test_a_hub_that_is_not_there_is_told_in_one_line(tmp_path: Path, streaming: bool) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # not listening: connections are refused
        options = [{"name": "someone/neutral", "streaming": streaming}]
        [offline] = read_all(tmp_path, f"http://127.0.0.1:{taken.getsockname()[1]}", options)
    assert "does not answer" in offline["error"]
    assert "\n" not in offline["error"]
