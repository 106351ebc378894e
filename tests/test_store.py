"""The run store: what it keeps, what it refuses, and how several processes share it."""

import json
import re
import sqlite3
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from scripted import Workplace, examples

from gnb.core.comparison import compare
from gnb.core.errors import InputError, StoreError, UnknownNameError
from gnb.core.records import Example, Rewrite
from gnb.core.store import Store
from gnb.core.store_runs import add_row, end_run, find_run, start_run
from gnb.core.store_schema import MIGRATIONS
from gnb.rewriters.copy import CopyRewriter

TEXT = "متنِ «نمونه» با نیم‌فاصله 👩🏽‍💻"


def test_an_output_comes_back_as_it_was(store: Store) -> None:
    answer = Rewrite(f"{TEXT}\n", raw="خام\x00\x1b[0m", fallback=True, details={"tokens": 3, "نام": [1.5, None]})
    fingerprint = store.add_record("rewriter", {"model": "a"})
    store.add_output(fingerprint, TEXT, answer)
    assert store.outputs(fingerprint, [TEXT, "other"]) == {TEXT: answer}


def test_rewriters_with_different_records_share_no_outputs(store: Store) -> None:
    one, other = (store.add_record("rewriter", {"adapter": adapter}) for adapter in ("a", "b"))
    store.add_output(one, TEXT, Rewrite("x"))
    assert store.outputs(other, [TEXT]) == {}


def test_the_first_answer_to_a_text_stays(store: Store) -> None:
    fingerprint = store.add_record("rewriter", {})
    for text in ("first", "second"):
        store.add_output(fingerprint, TEXT, Rewrite(text))
    assert store.outputs(fingerprint, [TEXT])[TEXT].text == "first"


def test_a_lone_surrogate_is_replaced_and_its_text_found_again(store: Store) -> None:
    fingerprint = store.add_record("rewriter", {})
    store.add_output(fingerprint, "a\ud800", Rewrite("b\udfff"))
    assert store.outputs(fingerprint, ["a\ud800"])["a\ud800"].text == "b?"


def test_the_record_behind_a_fingerprint_can_be_read(store: Store) -> None:
    fingerprint = store.add_record("metric", {"tokens": "hazm", "name": "سنجه"})
    ((kind, record),) = store.read("SELECT kind, record FROM records WHERE fingerprint = ?", fingerprint)
    assert (kind, json.loads(record)) == ("metric", {"tokens": "hazm", "name": "سنجه"})


def test_counts_and_scores_come_back_exactly(store: Store) -> None:
    fingerprint = store.add_record("metric", {})
    store.add_counts(fingerprint, {"s1": {"a": 1, "b": 0.1}, "s2": {}})
    store.add_scores(fingerprint, "whole", {"f1": 1 / 3, "none": None})
    assert store.counts(fingerprint, ["s1", "s2", "s3"]) == {"s1": {"a": 1, "b": 0.1}, "s2": {}}
    assert store.scores(fingerprint, "whole") == {"f1": 1 / 3, "none": None}
    assert store.scores(fingerprint, "part") is None


def test_a_run_comes_back_with_its_examples_and_rows(store: Store) -> None:
    judged = [*examples(3), Example("x", "\ud800", metadata={"pair": 1})]
    run = start_run(store, {"seed": 3}, judged)
    add_row(store, run, "lora", "f1")
    add_row(store, run, "base", "f2", "it failed")
    end_run(store, run, "failed")
    found = find_run(store)
    assert (found.name, found.status, found.settings) == (run, "failed", {"seed": 3})
    assert found.examples == judged
    assert list(found.rows.items()) == [("lora", "f1"), ("base", "f2")]


def test_runs_are_numbered_by_day_and_last_is_the_latest(store: Store) -> None:
    names = [start_run(store, {}, examples(1)) for _ in range(11)]
    assert [name.rsplit("-", 1)[1] for name in names] == [str(number) for number in range(1, 12)]
    assert find_run(store, "last").name == names[-1]


def test_an_unknown_run_is_refused_with_those_that_exist(store: Store) -> None:
    with pytest.raises(InputError, match=r"holds no runs yet\. Make one: gnb compare"):
        find_run(store)
    name = start_run(store, {}, examples(1))
    with pytest.raises(UnknownNameError, match=f"Existing: {name}, last"):
        find_run(store, "yesterday")


def test_a_store_of_a_newer_version_is_refused_with_one_line(workplace: Workplace) -> None:
    path = workplace.folder / "new.sqlite"
    Store(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    before = path.read_bytes()
    _, err = workplace.run("samples", "--store", str(path), code=2)
    assert err.count("\n") == 1
    assert f"newer gnb (schema {len(MIGRATIONS) + 1}, this one knows {len(MIGRATIONS)})" in err
    assert path.read_bytes() == before


def test_the_oldest_schema_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript(MIGRATIONS[0] + "PRAGMA user_version = 1; PRAGMA application_id = 1735287345;")
        connection.execute("INSERT INTO records VALUES ('f', 'rewriter', '{}')")
        connection.execute("INSERT INTO texts VALUES ('h', 't')")
    connection.close()
    with Store(path) as store:
        assert store.read("PRAGMA user_version") == [(len(MIGRATIONS),)]
        assert store.read("SELECT text FROM texts") == [("t",)]


@pytest.mark.parametrize("version", [0, 70])
def test_a_database_of_another_program_is_left_alone(tmp_path: Path, version: int) -> None:
    path = tmp_path / "other.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE songs (name TEXT)")
        connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"is a database of another program\. Name another file with --store"):
        Store(path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "text.sqlite"
    path.write_text("سلام " * 1000, "utf-8")
    with pytest.raises(StoreError, match=r"text\.sqlite: the run store cannot be used \(file is not a database\)"):
        Store(path)


def test_a_file_that_may_not_be_written_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "theirs.sqlite"
    path.touch()
    reading = partial(sqlite3.connect, f"file:{path}?mode=ro", uri=True)
    monkeypatch.setattr(sqlite3, "connect", lambda path, **options: reading(**options))
    monkeypatch.setattr("gnb.core.store.time.sleep", lambda seconds: pytest.fail("it waits"))
    with pytest.raises(StoreError, match="attempt to write a readonly database"):
        Store(path)


def test_ctrl_c_during_a_commit_leaves_the_store_to_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(sqlite3.Connection):
        def commit(self) -> None:
            raise KeyboardInterrupt

    path = tmp_path / "store.sqlite"
    Store(path).close()
    monkeypatch.setattr("gnb.core.store.BUSY_SECONDS", 0.1)
    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Interrupted))
        interrupted = Store(path)
    with interrupted, Store(path) as other:
        with pytest.raises(KeyboardInterrupt):
            interrupted.add_record("rewriter", {})
        other.add_record("rewriter", {})


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="file: the folder of the run store cannot be made"):
        Store(tmp_path / "file" / "store.sqlite")


def test_the_default_store_keeps_itself_out_of_version_control(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Store().close()
    assert sorted(path.name for path in Path(".gnb").iterdir()) == [".gitignore", "store.sqlite"]
    assert Path(".gnb/.gitignore").read_text() == "*\n"


WRITER = """
import sys
from pathlib import Path
from gnb.core.records import Rewrite
from gnb.core.store import Store
from gnb.core.store_runs import start_run
with Store(Path(sys.argv[1])) as store:
    fingerprint = store.add_record("rewriter", {})
    for number in range(100):
        store.outputs(fingerprint, ["a", "b"])
        store.add_output(fingerprint, f"{sys.argv[2]} {number}", Rewrite("x"))
    print(start_run(store, {}, []))
"""


def test_many_processes_make_and_fill_one_store_at_once(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    command = [sys.executable, "-c", WRITER, str(path)]
    writers = [subprocess.Popen([*command, str(n)], stdout=subprocess.PIPE, stderr=subprocess.PIPE) for n in range(6)]
    results = [(writer.communicate(), writer.returncode) for writer in writers]
    assert [code for _, code in results] == [0] * 6, results
    assert len({out for (out, _), _ in results}) == 6
    with Store(path) as store:
        assert store.read("SELECT count(*) FROM outputs") == [(600,)]
        assert store.read("PRAGMA integrity_check") == [("ok",)]


DOCUMENT = (Path(__file__).parent.parent / "docs" / "store.md").read_text("utf-8")


@pytest.mark.parametrize("query", re.findall(r"```sql\n(.*?)```", DOCUMENT, re.DOTALL))
def test_every_query_of_the_document_runs(store: Store, query: str) -> None:
    compare(examples(3), {"copy": CopyRewriter(CopyRewriter.options_model())}, {}, store)
    with sqlite3.connect(store.path) as connection:
        assert connection.execute(query).fetchall() is not None


def test_the_document_names_every_table_and_column(store: Store) -> None:
    rows = re.findall(r"^\| `(\w+)` \| .*? \| (.*) \|$", DOCUMENT, re.MULTILINE)
    documented = {table: re.findall(r"`(\w+)`", columns) for table, columns in rows}
    tables = [name for (name,) in store.read("SELECT name FROM sqlite_master WHERE type = 'table'")]
    real = {table: [row[1] for row in store.read(f"PRAGMA table_info({table})")] for table in tables}
    assert documented == real
