"""Writes a prepared dataset: JSON Lines and Parquet by split, the published layout, and its archive."""

import json
import os
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Self

from gnb.core.preparation.merging import Record
from gnb.core.preparation.workspace import ARCHIVE, PUBLISHED
from gnb.core.progress import Track
from gnb.core.records import SPLITS

if TYPE_CHECKING:
    import pyarrow as pa

_ROW_GROUP = 10_000
_PUBLISHED_SPLIT = {"train": "train.json", "validation": "train.json", "test": "test.json"}
"""The published layout knows no validation split; together its two files hold all that is labelled."""

_PACKED_TIME = 946_684_800
"""2000-01-01 00:00 UTC, in seconds since 1970: the time that the archive gives its files."""


def write_outputs(folder: Path, texts: Iterable[tuple[str, str]], *, total: int, track: Track) -> Counter[str]:
    """Write all files but the manifest, and return how many examples of which kind there are.

    Args:
        folder: where the files go.
        texts: the split and the JSON line of each example, in the order to write them.
        total: how many there are, for the progress.
        track: told of the progress.
    """
    counts: Counter[str] = Counter(dict.fromkeys((*SPLITS, "biased", "unbiased", "unlabelled", "published"), 0))
    with ExitStack() as stack:
        splits = {split: stack.enter_context(SplitFiles(folder, split)) for split in SPLITS}
        published = {name: stack.enter_context(JsonArray(folder / name)) for name in PUBLISHED}
        for done, (split, line) in enumerate(texts, start=1):
            record = {**json.loads(line), "split": split}
            splits[split].write(record)
            counts[split] += 1
            counts[{True: "biased", False: "unbiased", None: "unlabelled"}[record["biased"]]] += 1
            if record["references"]:
                published[_PUBLISHED_SPLIT[split]].write(_published(record))
                counts["published"] += 1
            if done % 1000 == 0:
                track("writing", done, total)
    track("packing", 0, 1)
    pack(folder / ARCHIVE, PUBLISHED)
    return counts


def pack(archive: Path, names: Iterable[str]) -> None:
    """Pack files of the archive's folder, with fixed times and modes, so that the same input gives the same bytes."""
    import py7zr

    # Preset 2 packs three times as fast as the default preset, and a quarter larger.
    filters = [{"id": py7zr.FILTER_LZMA2, "preset": 2}]
    with py7zr.SevenZipFile(archive, "w", filters=filters) as packed:
        for name in names:
            path = archive.parent / name
            path.chmod(0o644)
            os.utime(path, (_PACKED_TIME, _PACKED_TIME))
            packed.write(path, name)
            os.utime(path)


class SplitFiles:
    """The JSON Lines and the Parquet file of one split, written side by side, at most one row group in memory."""

    def __init__(self, folder: Path, split: str) -> None:
        import pyarrow.parquet as pq

        self._lines = (folder / f"{split}.jsonl").open("w", encoding="utf-8", newline="\n")
        self._table = pq.ParquetWriter(folder / f"{split}.parquet", _schema())
        self._rows: list[Record] = []

    def write(self, record: Record) -> None:
        """Add one example."""
        self._lines.write(json.dumps(record, ensure_ascii=False) + "\n")
        self._rows.append({**record, "metadata": json.dumps(record["metadata"], ensure_ascii=False)})
        if len(self._rows) == _ROW_GROUP:
            self._flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._flush()
        self._lines.close()
        self._table.close()

    def _flush(self) -> None:
        import pyarrow as pa

        self._table.write_table(pa.Table.from_pylist(self._rows, schema=_schema()))
        self._rows.clear()


class JsonArray:
    """A file that holds one JSON array, written item by item."""

    def __init__(self, path: Path) -> None:
        self._file: IO[str] = path.open("w", encoding="utf-8", newline="\n")
        self._separator = "[\n"

    def write(self, item: Any) -> None:
        """Add one item."""
        self._file.write(self._separator + json.dumps(item, ensure_ascii=False))
        self._separator = ",\n"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.write("[]\n" if self._separator == "[\n" else "\n]\n")
        self._file.close()


def _published(record: Record) -> Record:
    return {"id": record["id"], "dialogue": record["text"], "summary": record["references"][0]}


def _schema() -> "pa.Schema":
    import pyarrow as pa

    text = pa.string()
    return pa.schema(
        {
            "id": text,
            "text": text,
            "references": pa.list_(text),
            "biased": pa.bool_(),
            "category": text,
            "origin": text,
            "split": text,
            "metadata": text,
        }
    )
