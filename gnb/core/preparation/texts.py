"""The later tables of the work file: the texts without their copies, what links them, and the split of each."""

from collections.abc import Iterable, Iterator, Sequence

from gnb.core.preparation.chunks import Row
from gnb.core.preparation.work import WorkFile
from gnb.core.splitting import Shares, allot

_TABLES = """
drop table if exists texts; drop table if exists pairs; drop table if exists parts; drop table if exists groups;
drop table if exists splits;
create table texts (
    place integer primary key, number integer not null, rank text not null, stratum text not null,
    split text, line text
);
create table pairs (pair text not null, place integer not null);
create table parts (place integer primary key, part integer not null);
create table splits (part integer primary key, split text not null);
"""
# The same choices as in `split_examples`: smallest rank, first and last stratum, "test" before "train".
_GROUPS = """
create table groups as
select part, count(*) as size, min(split) as split, min(stratum) as low, max(stratum) as high, min(rank) as rank
from parts join texts using (place) group by part
"""
_FREE = "select part, size from groups where split is null order by low, high, rank"
_PAIRED = """
select first, place from pairs join (select pair, min(place) as first from pairs group by pair) using (pair)
"""
_SHUFFLED = """
select coalesce(texts.split, splits.split), coalesce(texts.line, rows.line)
from texts join rows using (number) join parts using (place) join splits using (part) order by texts.rank, place
"""


class Texts:
    """Texts without copies; the place of a text is its rank among their keys."""

    def __init__(self, work: WorkFile) -> None:
        """Begin the tables anew."""
        self._db = work.connection
        self._db.executescript(_TABLES)

    def add(self, place: int, number: int, rank: str, row: Row, *, merged: bool) -> None:
        """Add a text: its row, by number, and its line if that is not the row's, since copies were merged into it."""
        line = row.line if merged else None
        values = (place, number, rank, row.stratum, row.split, line)
        self._db.execute("insert into texts values (?, ?, ?, ?, ?, ?)", values)

    def add_pair(self, pair: str | None, place: int) -> None:
        """Note that a text belongs to a pair."""
        if pair is not None:
            self._db.execute("insert into pairs values (?, ?)", (pair, place))

    def commit(self) -> None:
        """Write what was added."""
        self._db.commit()

    def count(self) -> int:
        """Return the number of texts."""
        (number,) = self._db.execute("select count(*) from texts").fetchone()
        return int(number)

    def keys(self) -> Iterator[str]:
        """Yield the key of each text, in order."""
        yield from (key for (key,) in self._db.execute("select distinct key from rows order by key"))

    def keys_at(self, places: Sequence[int]) -> list[str]:
        """Return the keys of the texts at some places."""
        marks = ", ".join("?" * len(places))
        query = f"select place, key from texts join rows using (number) where place in ({marks})"  # noqa: S608
        found = dict(self._db.execute(query, places).fetchall())
        return [found[place] for place in places]

    def paired_places(self) -> Iterator[tuple[int, int]]:
        """Yield the first place of each pair with each of its places."""
        yield from self._db.execute(_PAIRED)

    def split(self, parts: Iterable[int], shares: Shares) -> None:
        """Give each text a split, where `parts` names the part that each text is in."""
        with self._db as db:
            db.executemany("insert into parts values (?, ?)", enumerate(parts))
            db.execute(_GROUPS)
            db.execute("insert into splits select part, split from groups where split is not null")
            db.executemany("insert into splits values (?, ?)", allot(db.execute(_FREE), shares))

    def shuffled(self) -> Iterator[tuple[str, str]]:
        """Yield the split and the line of each text, in random order."""
        yield from self._db.execute(_SHUFFLED)
