"""The files of a publication: Parquet and JSON Lines by split, an archive, checksums.

The same rows give the same bytes.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from gnb.core import checksums
from gnb.core.checksums import files_in, sha256_of
from gnb.core.preparation.outputs import pack
from gnb.publishing.rows import Row, schema_of

ARCHIVE = "dataset.7z"
CHECKSUMS = "checksums.txt"
RECORD = "publication.json"
TABLES, LINES = "data", "jsonl"
"""The folders of the Parquet and of the JSON Lines."""
_ROW_GROUP = 10_000


def parquet_name(split: str) -> str:
    """Return the path of a split's table, as the hub and `datasets` expect it."""
    return f"{TABLES}/{split}-00000-of-00001.parquet"


def write_split(folder: Path, split: str, rows: Sequence[Row], keys: Sequence[str]) -> None:
    """Write one split as Parquet and as JSON Lines, which `prepared:DIR/jsonl` reads."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table, lines = folder / parquet_name(split), folder / LINES / f"{split}.jsonl"
    for path in (table, lines):
        path.parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(table, schema_of(keys)) as writer:
        for start in range(0, len(rows), _ROW_GROUP):
            writer.write_table(pa.Table.from_pylist(rows[start : start + _ROW_GROUP], schema=schema_of(keys)))
    with lines.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{_line(row, split, keys)}\n" for row in rows)


def write_archive(folder: Path) -> None:
    """Pack the JSON Lines and the licence."""
    names = [*(f"{LINES}/{path.name}" for path in sorted((folder / LINES).iterdir())), "LICENSE"]
    pack(folder / ARCHIVE, names)


def write_checksums(folder: Path) -> None:
    """Write the SHA-256 of each file, as `sha256sum -c` reads it."""
    lines = [f"{sha256_of(folder / name)}  {name}\n" for name in files_in(folder)]
    (folder / CHECKSUMS).write_text("".join(lines), "utf-8", newline="\n")


def read_record(folder: Path) -> dict[str, Any]:
    """Return what the `publication.json` of a folder holds; nothing if it has none that gnb wrote."""
    try:
        record = json.loads((folder / RECORD).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) and {"sources", "rules", "versions"} <= record.keys() else {}


def read_checksums(folder: Path) -> dict[str, str]:
    """Return the checksums that a folder carries by path; none if it carries none that can be read."""
    try:
        lines = (folder / CHECKSUMS).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def changed_files(folder: Path) -> Iterator[str]:
    """Return the files that are not as the checksums say, or that these do not name."""
    return checksums.changed_files(folder, read_checksums(folder), CHECKSUMS)


def _line(row: Row, split: str, keys: Sequence[str]) -> str:
    """Return a row as the line of an example (gnb.core.jsonl)."""
    columns = {name: value for name, value in row.items() if name not in keys}
    metadata = {key: row[key] for key in keys if row[key] is not None}
    return json.dumps({**columns, "split": split, "metadata": metadata}, ensure_ascii=False)
