"""The work file of a preparation: an SQLite database beside the target that survives a kill and bounds memory."""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from gnb.core.errors import GnbError
from gnb.core.preparation.chunks import SIZE, CleanChunk, Row

_LAYOUT = 1
"""Raised when the tables change; a work file with another number is begun anew."""

_PRAGMAS = (
    "locking_mode = exclusive",  # held until the process ends, however it ends
    "journal_mode = wal",
    "synchronous = normal",
    "temp_store = file",
    "cache_size = -65536",  # KiB
)
_TABLES = """
create table if not exists chunks (number integer primary key, fingerprint text not null, counts text not null);
create table if not exists rows (
    number integer primary key, key text not null, line text not null, stratum text not null,
    pair text, split text, rules text not null
);
"""


class WorkFile:
    """The clean rows, chunk by chunk. Later stages add tables of their own through `connection`."""

    def __init__(self, path: Path) -> None:
        """Open or begin the file.

        Raises:
            GnbError: if another process works on it.
        """
        self.connection = _open(path)
        (layout,) = self.connection.execute("pragma user_version").fetchone()
        if layout not in (0, _LAYOUT):
            self.connection.close()
            path.unlink()
            self.connection = _open(path)
        self.connection.executescript(f"{_TABLES} pragma user_version = {_LAYOUT}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.connection.close()

    def has_chunk(self, number: int, fingerprint: str) -> bool:
        """Tell whether this very chunk is already there."""
        found = self.connection.execute("select fingerprint from chunks where number = ?", (number,)).fetchone()
        return found is not None and found[0] == fingerprint

    def put_chunk(self, chunk: CleanChunk) -> None:
        """Store a cleaned chunk in one transaction, in place of what had its number."""
        start = chunk.number * SIZE
        rows = ((start + place, *row) for place, row in enumerate(chunk.rows))
        counts = json.dumps(chunk.counts)
        with self.connection as db:
            db.execute("delete from rows where number >= ? and number < ?", (start, start + SIZE))
            db.executemany("insert into rows values (?, ?, ?, ?, ?, ?, ?)", rows)
            db.execute("insert or replace into chunks values (?, ?, ?)", (chunk.number, chunk.fingerprint, counts))

    def finish_chunks(self, count: int) -> Counter[str]:
        """Drop what an earlier, longer input left behind, and return the counts of all chunks."""
        with self.connection as db:
            db.execute("delete from chunks where number >= ?", (count,))
            db.execute("delete from rows where number >= ?", (count * SIZE,))
        total: Counter[str] = Counter()
        for (counts,) in self.connection.execute("select counts from chunks"):
            total.update(json.loads(counts))
        return total

    def is_empty(self) -> bool:
        """Tell whether no row has been stored."""
        return self.connection.execute("select 1 from rows limit 1").fetchone() is None

    def rows_by_key(self) -> Iterator[tuple[int, Row]]:
        """Yield the rows with their numbers in the order of keys, copies of one text in the order they were read."""
        for number, *values in self.connection.execute("select * from rows order by key, number"):
            yield number, Row(*values)

    def lines_changed_by(self, rule: str) -> Iterator[str]:
        """Yield the lines of the rows that a rule changed, in the order they were read."""
        query = "select line from rows where instr(' ' || rules || ' ', ?) order by number"
        yield from (line for (line,) in self.connection.execute(query, (f" {rule} ",)))


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=1)
    try:
        for pragma in _PRAGMAS:
            connection.execute(f"pragma {pragma}")
        connection.execute("begin immediate")
        connection.commit()
    except sqlite3.OperationalError as error:
        connection.close()
        raise GnbError(f"{path.parent}: another gnb prepare is at work there ({error}).") from None
    except sqlite3.DatabaseError as error:
        connection.close()
        raise GnbError(f"{path}: is damaged ({error}). Delete {path.parent} and start again.") from None
    return connection
