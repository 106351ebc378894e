"""The `parquet` source: tables in columns."""

from collections.abc import Iterator
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import IO, ClassVar

from gnb.core.options import Options
from gnb.core.records import Report
from gnb.sources.packed import BrokenError
from gnb.sources.pieces import Piece
from gnb.sources.tabular import Row, TableOptions, TableSource

_BATCH = 250


class ParquetSource(TableSource):
    """Parquet tables, read a batch of rows at a time; a packed one passes through a temporary file without a name."""

    options_model: ClassVar[type[Options]] = TableOptions
    endings: ClassVar[tuple[str, ...]] = ("parquet",)

    def rows(self, piece: Piece, report: Report) -> Iterator[Row]:
        """Yield the rows, counted from 1."""
        if piece.stream.seekable():
            yield from _rows(piece.stream)
            return
        with TemporaryFile(prefix="gnb-") as file:
            copyfileobj(piece.stream, file)
            yield from _rows(file)


def _rows(file: IO[bytes]) -> Iterator[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        with pq.ParquetFile(file, pre_buffer=False) as table:
            for batch in table.iter_batches(_BATCH):
                for cells in batch.to_pylist():
                    number += 1
                    yield Row(number, cells)
    except (pa.ArrowException, OSError) as error:
        found = str(error).partition("\n")[0].strip(".")
        raise BrokenError(f"cannot be read as Parquet: it is damaged, or something else ({found})") from None
