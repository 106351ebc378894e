"""Argilla 2: a folder that `rg.Dataset.from_disk` reads, and the one that `to_disk` writes.

https://docs.argilla.io/latest/how_to_guides/import_export/
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from gnb.core.errors import InputError, SettingsError
from gnb.core.records import Example
from gnb.labelling.files import read_json, write_json
from gnb.labelling.votes import QUESTION, SHOWN, Vote, categories_of, read_biased, recall, record_of, suggested

_RECORDS = "records.json"
_FIELDS = ("biased", "category", "neutral")


def export(examples: Sequence[Example], path: Path, *, suggest: bool) -> list[Path]:
    """Write the dataset, its settings and the records into a folder. Returns the files.

    Raises:
        SettingsError: if the path is a file.
    """
    if path.is_file():
        raise SettingsError(f"--to {path}: is a file; Argilla's format is a folder, so name one.")
    files = [path / ".argilla" / "dataset.json", path / ".argilla" / "settings.json", path / _RECORDS]
    records = [_record(example, suggest=suggest) for example in examples]
    dataset = {"name": path.resolve().name, "allow_extra_metadata": True}
    contents = (dataset, _settings(categories_of(examples)), records)
    for file, content in zip(files, contents, strict=True):
        write_json(file, content)
    return files


def read(path: Path) -> Iterator[tuple[str, Example, Vote | None]]:
    """Yield each record with each annotator's responses, or with None if it has none.

    Args:
        path: the folder, or the records.json in it.

    Raises:
        InputError: if the file holds no records of Argilla 2, or what was exported has been changed.
    """
    path = path / _RECORDS if path.is_dir() else path
    records = read_json(path)
    if not isinstance(records, list) or not all(isinstance(each, dict) and "fields" in each for each in records):
        raise InputError(f"{path}: holds no records of Argilla 2; write it there with Dataset.to_disk.")
    for number, record in enumerate(records, start=1):
        where = f"{path}: record {record.get('id') or number}"
        try:
            example = recall(record["metadata"].get("record"), record["fields"].get("text"), where)
            votes: list[Vote | None] = [*_votes(record.get("responses") or {}, where)] or [None]
        except (AttributeError, KeyError, TypeError):
            raise InputError(f"{where}: is not as Argilla 2 writes it; write it there with Dataset.to_disk.") from None
        yield from ((where, example, vote) for vote in votes)


def _record(example: Example, *, suggest: bool) -> dict[str, Any]:
    said = suggested(example) if suggest else {}
    return {
        "id": _hidden(example.id),
        "fields": {"text": example.text},
        "metadata": {"record": record_of(example)},
        "suggestions": {
            field: {"value": value[0] if isinstance(value, list) else value, "score": None, "agent": "source"}
            for field, value in said.items()
        },
        "responses": {},
        "vectors": {},
    }


def _hidden(name: str) -> str:
    """Return another id, always the same: one such as NoBias1.txt:1 would tell annotators the label."""
    return sha256(name.encode("utf-8", "replace")).hexdigest()[:16]


def _votes(responses: dict[str, list[dict[str, Any]]], where: str) -> Iterator[Vote]:
    said: dict[str, dict[str, Any]] = defaultdict(dict)
    for field in _FIELDS:
        for response in responses.get(field, ()):
            said[str(response["user_id"])][field] = response["value"]
    for annotator, values in said.items():
        neutral = (values.get("neutral") or "").strip()
        biased = read_biased(values.get("biased"), where)
        yield Vote(annotator, biased, values.get("category"), (neutral,) if neutral else ())


def _settings(categories: Sequence[str]) -> dict[str, Any]:
    options = {"biased": tuple(SHOWN), "category": categories}
    return {
        "guidelines": None,
        "questions": [_question(field, options.get(field)) for field in _FIELDS],
        "fields": [
            {"name": "text", "title": "متن", "required": True, "settings": {"type": "text", "use_markdown": False}}
        ],
        "vectors": [],
        "metadata": [],
        "allow_extra_metadata": True,
        "distribution": {"strategy": "overlap", "min_submitted": 2},
        "mapping": None,
    }


def _question(field: str, options: Sequence[str] | None) -> dict[str, Any]:
    if options is None:
        kind: dict[str, Any] = {"type": "text", "use_markdown": False}
    else:
        shown = len(options) if len(options) > 2 else None  # Argilla asks for at least three, or says nothing
        values = [{"value": value, "text": SHOWN.get(value, value)} for value in options]
        kind = {"type": "label_selection", "options": values, "visible_options": shown}
    title, required = QUESTION[field], field == "biased"
    return {"name": field, "title": title, "description": None, "required": required, "settings": kind}
