"""The runs in the store: what was compared, on which examples, and what came out."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from gnb.core.components import Scores
from gnb.core.errors import InputError, UnknownNameError
from gnb.core.fingerprint import canonical_json, hash_texts
from gnb.core.records import Example
from gnb.core.store import Store, now, storable

LAST = "last"
"""The name by which users call the latest run."""


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run as the store remembers it.

    Attributes:
        name: the run's name, such as "2026-03-21-1".
        created: when it started, in UTC.
        status: "running", "finished", "failed" (some cell is missing) or "interrupted".
        settings: what was asked for.
        examples: what was judged, in order.
        rows: the fingerprint of each rewriter by its label; empty for one that failed before it had one.
    """

    name: str
    created: str
    status: str
    settings: Mapping[str, Any]
    examples: Sequence[Example]
    rows: Mapping[str, str]


def start_run(store: Store, settings: Mapping[str, Any], examples: Sequence[Example]) -> str:
    """Note that a run begins, and return its name: the date in UTC and a number."""
    texts = [_example_json(example) for example in examples]
    dataset, created = hash_texts(texts), now()
    day = created[:10]
    with store.write() as connection:
        rows = [(dataset, position, text) for position, text in enumerate(texts)]
        connection.executemany("INSERT OR IGNORE INTO datasets VALUES (?, ?, ?)", rows)
        query = "SELECT coalesce(max(cast(substr(run, 12) AS INTEGER)), 0) + 1 FROM runs WHERE run LIKE ? || '-%'"
        (number,) = connection.execute(query, (day,)).fetchone()
        run = (f"{day}-{number}", created, "running", storable(canonical_json(settings)), dataset)
        connection.execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?)", run)
    return run[0]


def add_row(store: Store, run: str, label: str, fingerprint: str, error: str = "") -> None:
    """Note one rewriter of a run, after those before it. `error` says why it has no scores, if so."""
    with store.write() as connection:
        connection.execute(
            "INSERT INTO run_rows SELECT ?, count(*), ?, ?, ? FROM run_rows WHERE run = ?",
            (run, storable(label), fingerprint, storable(error), run),
        )


def add_cell(store: Store, run: str, place: tuple[str, str], fingerprint: str, result: Scores | str) -> None:
    """Note one cell of the matrix: the scores, or the reason why there are none.

    Args:
        store: the store.
        run: the run's name.
        place: the labels of rewriter and metric.
        fingerprint: the metric's.
        result: scores, or what went wrong.
    """
    scores, error = ({}, result) if isinstance(result, str) else (result, "")
    with store.write() as connection:
        row = (run, *map(storable, place), fingerprint, json.dumps(dict(scores)), storable(error))
        connection.execute("INSERT INTO run_cells VALUES (?, ?, ?, ?, ?, ?)", row)


def end_run(store: Store, run: str, status: str) -> None:
    """Note how a run ended; see `StoredRun.status`."""
    with store.write() as connection:
        connection.execute("UPDATE runs SET status = ? WHERE run = ?", (status, run))


def find_run(store: Store, name: str = LAST) -> StoredRun:
    """Return a run by its name, or the latest one.

    Raises:
        InputError: if the store holds no run yet.
        UnknownNameError: if none goes by that name; the message lists the latest.
    """
    names = [row[0] for row in store.read("SELECT run FROM runs ORDER BY rowid DESC LIMIT 20")]
    if not names:
        raise InputError(f"{store.path} holds no runs yet. Make one: gnb compare")
    if name == LAST:
        name = names[0]
    found = store.read("SELECT created, status, settings, dataset FROM runs WHERE run = ?", storable(name))
    if not found:
        raise UnknownNameError("run", name, [*names, LAST])
    created, status, settings, dataset = found[0]
    examples = store.read("SELECT example FROM datasets WHERE dataset = ? ORDER BY position", dataset)
    rows = store.read("SELECT label, fingerprint FROM run_rows WHERE run = ? ORDER BY position", name)
    return StoredRun(name, created, status, json.loads(settings), [_example(text) for (text,) in examples], dict(rows))


def _example_json(example: Example) -> str:
    text = canonical_json(asdict(example))
    # Escaped, even a lone surrogate comes back as it was; the rest is readable as it stands.
    return text if _is_utf8(text) else json.dumps(asdict(example), sort_keys=True)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _example(text: str) -> Example:
    values = json.loads(text)
    return Example(**{**values, "references": tuple(values["references"])})
