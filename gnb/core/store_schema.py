"""The tables of the run store, as numbered steps: a step that was released is never changed, only followed by others.

`docs/store.md` describes the tables for those who query them.
"""

APPLICATION_ID = 0x676E6231
"""Marks a SQLite file as ours: the bytes "gnb1" (https://www.sqlite.org/pragma.html#pragma_application_id)."""

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE records (
        fingerprint TEXT PRIMARY KEY,
        kind TEXT NOT NULL,
        record TEXT NOT NULL
    );
    CREATE TABLE texts (
        text_hash TEXT PRIMARY KEY,
        text TEXT NOT NULL
    );
    CREATE TABLE outputs (
        fingerprint TEXT NOT NULL REFERENCES records (fingerprint),
        text_hash TEXT NOT NULL REFERENCES texts (text_hash),
        output TEXT NOT NULL,
        raw TEXT,
        fallback INTEGER NOT NULL,
        details TEXT NOT NULL,
        created TEXT NOT NULL,
        PRIMARY KEY (fingerprint, text_hash)
    );
    CREATE TABLE counts (
        fingerprint TEXT NOT NULL REFERENCES records (fingerprint),
        segment_hash TEXT NOT NULL,
        counts TEXT NOT NULL,
        PRIMARY KEY (fingerprint, segment_hash)
    );
    CREATE TABLE scores (
        fingerprint TEXT NOT NULL REFERENCES records (fingerprint),
        segments_hash TEXT NOT NULL,
        scores TEXT NOT NULL,
        PRIMARY KEY (fingerprint, segments_hash)
    );
    CREATE TABLE datasets (
        dataset TEXT NOT NULL,
        position INTEGER NOT NULL,
        example TEXT NOT NULL,
        PRIMARY KEY (dataset, position)
    );
    CREATE TABLE runs (
        run TEXT PRIMARY KEY,
        created TEXT NOT NULL,
        status TEXT NOT NULL,
        settings TEXT NOT NULL,
        dataset TEXT NOT NULL
    );
    CREATE TABLE run_rows (
        run TEXT NOT NULL REFERENCES runs (run),
        position INTEGER NOT NULL,
        label TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        error TEXT NOT NULL,
        PRIMARY KEY (run, position)
    );
    CREATE TABLE run_cells (
        run TEXT NOT NULL REFERENCES runs (run),
        label TEXT NOT NULL,
        metric TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        scores TEXT NOT NULL,
        error TEXT NOT NULL,
        PRIMARY KEY (run, label, metric)
    );
    """,
)
