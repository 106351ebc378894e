"""The run store: one SQLite file that keeps every output and every score, so that nothing is computed twice.

The standard library's sqlite3 is used as it is: a second run of a comparison spends its time here, and a wrapper
costs more to import than all the queries take.
"""

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gnb.core.components import Counts, Scores
from gnb.core.errors import StoreError
from gnb.core.fingerprint import canonical_json, fingerprint_of, hash_text
from gnb.core.metering import Share
from gnb.core.records import Rewrite
from gnb.core.store_schema import APPLICATION_ID, MIGRATIONS

DEFAULT_PATH = Path(".gnb", "store.sqlite")
BUSY_SECONDS = 60
"""How long a write waits for another process; each holds the lock for milliseconds."""


class Store:
    """Outputs by (rewriter's fingerprint, text), counts and scores by (metric's fingerprint, what was judged).

    Several processes may use one file at once. Each write is committed when its call returns, so that a process that
    is killed loses none of them. In WAL mode with synchronous=NORMAL a commit waits for no disk; a power failure may
    take the last ones, but never damages the file (https://www.sqlite.org/wal.html).

    Args:
        path: the file; it and its folder are made if missing.

    Raises:
        StoreError: here and in every method, if the file cannot be used; the message says why.
    """

    def __init__(self, path: Path = DEFAULT_PATH) -> None:
        self.path = path
        with self._explained():
            _make_folder(path.parent)
            self._connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
            self._prepare()

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Run a block in one transaction that takes the write lock at its start.

        A deferred transaction that reads first would fail at once, whatever the timeout, if another process commits
        in between (https://www.sqlite.org/isolation.html); BEGIN IMMEDIATE waits.
        """
        with self._explained():
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.commit()
            except BaseException:  # Ctrl-C during the commit included
                self._connection.rollback()
                raise

    def read(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Return all rows of a query."""
        with self._explained():
            return self._connection.execute(query, parameters).fetchall()

    def add_record(self, kind: str, record: Mapping[str, Any]) -> str:
        """Keep the readable record behind a fingerprint, and return the fingerprint."""
        fingerprint = fingerprint_of(record)
        with self.write() as connection:
            row = (fingerprint, kind, storable(canonical_json(record)))
            connection.execute("INSERT OR IGNORE INTO records VALUES (?, ?, ?)", row)
        return fingerprint

    def outputs(self, fingerprint: str, texts: Sequence[str]) -> dict[str, Rewrite]:
        """Return the stored answers to these texts; texts without one are left out."""
        rows = self.read(
            "SELECT text_hash, output, raw, fallback, details FROM outputs"
            " WHERE fingerprint = ? AND text_hash IN (SELECT value FROM json_each(?))",
            fingerprint,
            json.dumps([hash_text(text) for text in texts]),
        )
        found = {key: Rewrite(text, raw, bool(fallback), json.loads(more)) for key, text, raw, fallback, more in rows}
        return {text: found[key] for text in texts if (key := hash_text(text)) in found}

    def add_output(self, fingerprint: str, text: str, answer: Rewrite) -> None:
        """Keep one answer. If another process was first, its answer stays."""
        key = hash_text(text)
        output, raw = storable(answer.text), answer.raw if answer.raw is None else storable(answer.raw)
        row = (fingerprint, key, output, raw, int(answer.fallback), _details(answer), now())
        with self.write() as connection:
            connection.execute("INSERT OR IGNORE INTO texts VALUES (?, ?)", (key, storable(text)))
            connection.execute("INSERT OR IGNORE INTO outputs VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def share_out(self, fingerprint: str, shares: Sequence[Share]) -> None:
        """Keep the shared details of answers beside them; another process's answers stay as they are."""
        if not shares:
            return
        rows = [(_details(each.shared), fingerprint, hash_text(each.text), _details(each.noted)) for each in shares]
        query = "UPDATE outputs SET details = ? WHERE fingerprint = ? AND text_hash = ? AND details = ?"
        with self.write() as connection:
            connection.executemany(query, rows)

    def remove_outputs(self, fingerprint: str, texts: Iterable[str]) -> None:
        """Forget the answers to these texts."""
        with self.write() as connection:
            keys = [(fingerprint, hash_text(text)) for text in texts]
            connection.executemany("DELETE FROM outputs WHERE fingerprint = ? AND text_hash = ?", keys)

    def counts(self, fingerprint: str, segments: Sequence[str]) -> dict[str, Counts]:
        """Return the stored counts of these segment hashes; segments without them are left out."""
        query = (
            "SELECT segment_hash, counts FROM counts"
            " WHERE fingerprint = ? AND segment_hash IN (SELECT value FROM json_each(?))"
        )
        return {key: json.loads(text) for key, text in self.read(query, fingerprint, json.dumps(segments))}

    def add_counts(self, fingerprint: str, counts: Mapping[str, Counts]) -> None:
        """Keep the counts of segments, by their hashes."""
        rows = [(fingerprint, key, json.dumps(dict(value))) for key, value in counts.items()]
        with self.write() as connection:
            connection.executemany("INSERT OR IGNORE INTO counts VALUES (?, ?, ?)", rows)

    def scores(self, fingerprint: str, segments: str) -> Scores | None:
        """Return the stored scores of a set of segments, given as one hash; None if there are none."""
        query = "SELECT scores FROM scores WHERE fingerprint = ? AND segments_hash = ?"
        rows = self.read(query, fingerprint, segments)
        return json.loads(rows[0][0]) if rows else None

    def add_scores(self, fingerprint: str, segments: str, scores: Scores) -> None:
        """Keep the scores of a set of segments."""
        with self.write() as connection:
            row = (fingerprint, segments, json.dumps(dict(scores)))
            connection.execute("INSERT OR IGNORE INTO scores VALUES (?, ?, ?)", row)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(f"{self.path}: the run store cannot be used ({error}).") from error

    def _prepare(self) -> None:
        self._refuse_foreign()
        _switch_to_wal(self._connection)
        self._connection.execute("PRAGMA synchronous = NORMAL")
        if self._version() == len(MIGRATIONS):
            return
        with self.write() as connection:  # executescript would commit first
            for step in MIGRATIONS[self._version() :]:
                for statement in filter(str.strip, step.split(";")):
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")

    def _refuse_foreign(self) -> None:
        # in this order: another process may just be making the tables, and commits both at once
        (tables,) = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        (owner,) = self._connection.execute("PRAGMA application_id").fetchone()
        if tables and owner != APPLICATION_ID:
            raise StoreError(f"{self.path} is a database of another program. Name another file with --store.")
        version = self._version()
        if version > len(MIGRATIONS):
            raise StoreError(
                f"{self.path} was written by a newer gnb (schema {version}, this one knows {len(MIGRATIONS)})."
                " Update gnb, or name another file with --store."
            )

    def _version(self) -> int:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        return int(version)


def now() -> str:
    """Return the time in UTC as the store writes it, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _make_folder(folder: Path) -> None:
    """Make the folder of a store; one that gnb makes by default keeps itself out of version control."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if folder == DEFAULT_PATH.parent:
            folder.joinpath(".gitignore").write_text("*\n", "utf-8")
    except OSError as error:
        raise StoreError(f"{folder}: the folder of the run store cannot be made ({error.strerror}).") from None


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Switch to WAL mode, which the file then keeps. Two processes that switch at once do not wait for each other."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            locked = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
            if not locked or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _details(answer: Rewrite) -> str:
    return storable(json.dumps(dict(answer.details), ensure_ascii=False, sort_keys=True))


def storable(text: str) -> str:
    """Replace lone surrogates, which no UTF-8 file can hold, by question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")
