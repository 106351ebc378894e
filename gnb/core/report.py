"""A matrix as text: JSON, CSV, Markdown, and the cells and notes that a terminal shows."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from gnb.core.components import Column, Record
from gnb.core.fingerprint import hash_text
from gnb.core.layout import printable
from gnb.core.matrix import Judge, Matrix, Row
from gnb.core.plan import ALL
from gnb.core.wording import counted

FAILED = "failed"
UNDEFINED = "-"
BEST = "*"


def columns_of(matrix: Matrix) -> list[tuple[Judge, Column]]:
    """Return the columns of the table from left to right."""
    return [(judge, column) for judge in matrix.judges for column in judge.columns]


def headings_of(matrix: Matrix) -> list[str]:
    """Return the headings of `columns_of`; one that two metrics share carries the metric's label."""
    pairs = columns_of(matrix)
    titles = [column.title for _, column in pairs]
    return [
        f"{judge.label} {column.title}" if titles.count(column.title) > 1 else column.title for judge, column in pairs
    ]


def cell_text(matrix: Matrix, row: Row, judge: Judge, column: Column) -> tuple[str, bool]:
    """Return a cell as a table shows it, and whether it is the best of its column."""
    if row.cells[judge.label].error:
        return FAILED, False
    value = matrix.shown(row, judge, column)
    if value is None:
        return UNDEFINED, False
    return f"{value:.{column.digits}f}", value == matrix.best(judge, column)


def to_json(matrix: Matrix) -> str:
    """Return everything a matrix holds: numbers unrounded, scores beyond the columns, records, reasons."""
    return json.dumps(
        {
            "run": matrix.run,
            "texts": matrix.texts,
            "found": matrix.found,
            "in_split": matrix.in_split,
            "unlabelled": matrix.unlabelled,
            "settings": matrix.settings,
            "metrics": [_judge_values(judge) for judge in matrix.judges],
            "rows": [_row_values(row) for row in matrix.rows],
        },
        ensure_ascii=False,
        indent=2,
    )


def to_csv(matrix: Matrix) -> str:
    """Return a row a rewriter, the numbers unrounded and unscaled, an empty cell where there is none."""
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    pairs = columns_of(matrix)
    writer.writerow(["rewriter", *(f"{judge.label}.{column.key}" for judge, column in pairs), "fallbacks", "error"])
    for row in matrix.rows:
        values = [matrix.value(row, judge, column) for judge, column in pairs]
        errors = dict.fromkeys(cell.error for cell in row.cells.values() if cell.error)
        writer.writerow(
            [_unlike_formula(row.label), *values, row.fallbacks, _unlike_formula("; ".join(errors) or row.error)]
        )
    return target.getvalue()


def _unlike_formula(cell: str) -> str:
    """Put an apostrophe before a text that a spreadsheet would run (owasp.org/www-community/attacks/CSV_Injection)."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def to_markdown(matrix: Matrix) -> str:
    """Return a table with the best values in bold, and the notes as a list."""
    headings = [_unlike_edge(heading) for heading in headings_of(matrix)]
    lines = [f"| rewriter | {' | '.join(headings)} |", f"|---|{'---:|' * len(headings)}"]
    for row in matrix.rows:
        cells = [cell_text(matrix, row, *pair) for pair in columns_of(matrix)]
        shown = [_unlike_edge(row.label), *(f"**{text}**" if best else text for text, best in cells)]
        lines.append(f"| {' | '.join(shown)} |")
    return "\n".join([*lines, "", *(f"- {note}" for note in notes_of(matrix, "bold"))]) + "\n"


def _unlike_edge(cell: str) -> str:
    """Escape what Markdown would take for the edge of a cell."""
    return cell.replace("|", r"\|")


def notes_of(matrix: Matrix, mark: str = BEST) -> Iterator[str]:
    """Yield what a reader must know beside the numbers, one line each; `mark` is what the best values bear."""
    unlabelled = f", {matrix.unlabelled} of them without a reference" if matrix.unlabelled else ""
    yield f"{_judged(matrix)}{unlabelled}; {mark} marks the best of a column"
    for row in matrix.rows:
        yield from _row_notes(matrix, row)
    if led := _led_by_copy(matrix):
        yield f"copy, which changes nothing, is best or equal in: {', '.join(led)}"
    parts: list[Judge | Row] = [*matrix.judges, *matrix.rows]
    yield from (signature(part.label, part.fingerprint, part.record) for part in parts if part.fingerprint)


def signature(label: str, fingerprint: str, record: Record) -> str:
    """Return what made a score or an output, in one line, in the manner of sacrebleu; long values as their hash."""
    parts = [f"{key}:{_short(value)}" for key, value in _flat(record) if key != "class" and value != label]
    return "|".join([label, *parts, f"#{fingerprint[:8]}"])


def _judged(matrix: Matrix) -> str:
    """Return how many texts were judged, and where these are not all there are, why."""
    if matrix.found is None or matrix.in_split is None or matrix.texts >= matrix.found:
        return counted(matrix.texts, "text")
    split = matrix.settings["split"]
    if matrix.texts == matrix.in_split:
        return f"{matrix.texts:,} of {matrix.found:,} texts (split {split}; --split {ALL} judges them all)"
    of_split = "" if split == ALL else f"split {split}, "
    return f"{matrix.texts:,} of {counted(matrix.in_split, 'text')} ({of_split}limit {matrix.texts})"


def _row_notes(matrix: Matrix, row: Row) -> Iterator[str]:
    if row.error:
        yield f"{row.label} {FAILED}: {printable(row.error)}"
        return
    if row.fallbacks:
        yield f"{row.label} gave no usable answer to {counted(row.fallbacks, 'text')}; they count as left unchanged"
    if row.trained_on:
        yield f"{row.label} has seen {row.trained_on} of the {matrix.texts} texts in its training"
    for metric, cell in row.cells.items():
        if cell.error:
            yield f"{metric} of {row.label} {FAILED}: {printable(cell.error)}"


def _led_by_copy(matrix: Matrix) -> list[str]:
    copies = [row for row in matrix.rows if row.label == "copy"]
    if not copies or len(matrix.rows) == 1:
        return []
    headings = zip(headings_of(matrix), columns_of(matrix), strict=True)
    return [heading for heading, pair in headings if cell_text(matrix, copies[0], *pair)[1]]


def _flat(record: Record, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in record.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _short(value: Any) -> str:
    text = printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    return text if len(text) <= 32 else f"#{hash_text(text)[:8]}"


def _judge_values(judge: Judge) -> dict[str, Any]:
    return {
        "label": judge.label,
        "fingerprint": judge.fingerprint,
        "record": judge.record,
        "columns": [column.key for column in judge.columns],
    }


def _row_values(row: Row) -> dict[str, Any]:
    return {
        "label": row.label,
        "fingerprint": row.fingerprint,
        "record": row.record,
        "fallbacks": row.fallbacks,
        "trained_on": row.trained_on,
        "error": row.error,
        "scores": {metric: dict(cell.scores) for metric, cell in row.cells.items() if not cell.error},
        "errors": {metric: cell.error for metric, cell in row.cells.items() if cell.error},
    }
