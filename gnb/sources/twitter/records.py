"""The JSON Lines file of collected tweets: read back, and appended to, each number once."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gnb.core.errors import GnbError, InputError
from gnb.core.lines import is_blank, read_lines
from gnb.core.records import Problem
from gnb.sources.json_values import parse_value

Record = Mapping[str, Any]
"""A tweet as `tweet_record` returns it."""

_BEGINNING = b'{"id": "'
"""What each line of the file begins with."""


def read_records(path: Path) -> Iterator[tuple[int, Record | Problem]]:
    """Yield each line's number with its tweet, or with what was found instead; blank lines are passed over.

    Raises:
        InputError: if the file cannot be read or is not UTF-8.
    """
    for number, line in read_lines(path):
        if not is_blank(line):
            yield number, _record(line, f"{path}:{number}")


class TweetFile:
    """A file that collected tweets are appended to; each one is on the disk when `add` returns.

    Attributes:
        ids: the numbers of the tweets that it holds.
        counts: how many it holds of each query.
    """

    def __init__(self, path: Path) -> None:
        """Open or begin the file. A last line that was cut off while it was written is removed.

        Raises:
            InputError: if it holds something else than collected tweets.
            GnbError: if it cannot be written.
        """
        self.ids: set[str] = set()
        self.counts: Counter[str] = Counter()
        try:
            path.touch()
            self._read(path)
            self._file = path.open("a", encoding="utf-8", newline="\n")
        except OSError as error:
            raise GnbError(f"{path}: cannot be written ({error.strerror}).") from None

    def add(self, record: Record) -> bool:
        """Append a tweet and return True, or return False if the file holds it."""
        if record["id"] in self.ids:
            return False
        self._file.write(json.dumps(record, ensure_ascii=False) + "\n")
        self._file.flush()
        self._note(record)
        return True

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read(self, path: Path) -> None:
        """Note the tweets; only once every line before it was one, mend a last line that lacks its end."""
        with path.open("rb+") as file:
            line = b"\n"
            for number, line in enumerate(file, start=1):
                record = _record(line, f"{path}:{number}")
                if not isinstance(record, Problem):
                    self._note(record)
                elif _is_cut_off(line):
                    file.truncate(file.tell() - len(line))
                    return
                elif line.strip():
                    raise InputError(f"{record}. Collect into another file.")
            if not line.endswith(b"\n"):
                file.write(b"\n")

    def _note(self, record: Record) -> None:
        self.ids.add(record["id"])
        self.counts[str(record.get("query"))] += 1


def _is_cut_off(line: bytes) -> bool:
    """Tell whether a line that is no tweet is the beginning of one, as `TweetFile.add` leaves it if it is ended."""
    ended = line.endswith(b"\n") or b"\r" in line  # several lines, to old programs
    if ended or not line.startswith(_BEGINNING[: len(line)]):
        return False
    try:
        parse_value(line.decode())
    except ValueError:
        return True
    return False


def _record(line: str | bytes, where: str) -> Record | Problem:
    try:
        record = parse_value(line if isinstance(line, str) else line.decode("utf-8-sig"))
    except ValueError as error:
        return Problem(where, f"is not JSON ({error}); expected a tweet that `gnb collect twitter` wrote")
    texts = ("id", "time", "text", "query")
    if not isinstance(record, dict) or not all(isinstance(record.get(key), str) for key in texts):
        return Problem(where, f"is no tweet that `gnb collect twitter` wrote; expected {', '.join(texts)} as texts")
    return record
