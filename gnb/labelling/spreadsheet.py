"""CSV for spreadsheets: one row a vote, opened by Excel as Persian, and no cell of it ever run as a formula."""

import csv
from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path

from gnb.core.errors import InputError
from gnb.core.records import Example
from gnb.labelling.files import read_text, write_text
from gnb.labelling.votes import Vote, read_biased, recall, record_of, suggested

COLUMNS = ("text", "annotator", "biased", "category", "neutral", "record")
_RISKY = tuple("=+-@\t\r'")
"""What spreadsheets take for the start of a formula (https://owasp.org/www-community/attacks/CSV_Injection), and the
apostrophe that guards it."""


def export(examples: Sequence[Example], path: Path, *, suggest: bool) -> list[Path]:
    """Write one row a text; annotators fill in their name and vote, in copies of the rows or of the file."""
    buffer = StringIO()
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    for example in examples:
        vote = _suggestion(example) if suggest else ("", "", "")
        writer.writerow(map(guard, (example.text, "", *vote, record_of(example))))
    write_text(path, buffer.getvalue(), "utf-8-sig")
    return [path]


def read(path: Path) -> Iterator[tuple[str, Example, Vote | None]]:
    """Yield each row: its place, its example and the vote in it, None if nobody voted.

    Raises:
        InputError: if columns are missing, a vote has no annotator, or what was exported has been changed.
    """
    text = read_text(path)
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)  # Excel writes the list separator of the country
    csv.field_size_limit(max(csv.field_size_limit(), len(text)))  # it is in memory already
    rows = csv.DictReader(StringIO(text, newline=""), delimiter=delimiter)
    if missing := [name for name in COLUMNS if name not in (rows.fieldnames or ())]:
        raise InputError(f"{path}:1: column {missing[0]!r} is missing; expected {', '.join(COLUMNS)}.")
    try:
        for row in rows:
            where = f"{path}:{rows.line_num}"
            cells = {name: unguard(row[name] or "") for name in COLUMNS}
            example = recall(cells["record"], cells["text"], where)
            yield where, example, _vote(cells, example, where)
    except csv.Error as error:
        raise InputError(f"{path}:{rows.line_num}: is no CSV ({error}).") from None


def guard(cell: str) -> str:
    """Put an apostrophe before a cell that a spreadsheet could take for a formula."""
    return f"'{cell}" if cell.startswith(_RISKY) else cell


def unguard(cell: str) -> str:
    """Undo `guard`."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_RISKY) else cell


def _suggestion(example: Example) -> tuple[str, str, str]:
    said = suggested(example)
    return said.get("biased", ""), said.get("category", ""), "\n".join(said.get("neutral", ()))


def _vote(cells: dict[str, str], example: Example, where: str) -> Vote | None:
    suggestion = _suggestion(example)
    if cells["neutral"] == suggestion[2]:
        neutral = tuple(suggested(example).get("neutral", ()))  # a line break in one of them begins no other
    else:
        neutral = tuple(line.strip() for line in cells["neutral"].splitlines() if line.strip())
    biased = read_biased(cells["biased"], where)
    vote = Vote(cells["annotator"].strip(), biased, cells["category"].strip() or None, neutral)
    if vote.is_empty:
        return None
    if vote.annotator:
        return vote
    if (cells["biased"], cells["category"], cells["neutral"]) == suggestion:
        return None  # nobody has touched what was suggested
    raise InputError(f"{where}: is a vote without an annotator; fill in the column 'annotator'.")
