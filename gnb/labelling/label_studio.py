"""Label Studio: JSON tasks with a labelling configuration, and its JSON export.

https://labelstud.io/guide/tasks and https://labelstud.io/guide/export#Label-Studio-JSON-format-of-annotated-tasks
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from gnb.core.errors import InputError, SettingsError
from gnb.core.records import Example
from gnb.labelling.files import read_json, write_json, write_text
from gnb.labelling.votes import QUESTION, SHOWN, Vote, categories_of, read_biased, recall, record_of, suggested

_TYPES = {"biased": ("choices", "choices"), "category": ("choices", "choices"), "neutral": ("textarea", "text")}
_CONFIG = """<View style="direction: rtl; text-align: right">
  <Text name="text" value="$text"/>
  <Header value={biased}/>
  <Choices name="biased" toName="text" choice="single" showInline="true" required="true">
    {answers}
  </Choices>
  <Header value={category}/>
  <Choices name="category" toName="text" choice="single" showInline="true">
    {choices}
  </Choices>
  <Header value={neutral}/>
  <TextArea name="neutral" toName="text" editable="true" rows="3"/>
</View>
"""


def export(examples: Sequence[Example], path: Path, *, suggest: bool) -> list[Path]:
    """Write the tasks, and the labelling configuration beside them as NAME.xml. Returns both files.

    Raises:
        SettingsError: if the tasks are to go where the configuration goes, or there is one, which may be translated.
    """
    config = path.with_suffix(".xml")
    if config == path:
        raise SettingsError(f"--to {path}: is where the labelling configuration goes; name the tasks NAME.json.")
    if config.exists():
        raise SettingsError(f"--to {path}: the configuration {config} exists already; name a new one, or move it away.")
    write_json(path, [_task(example, suggest=suggest) for example in examples])
    answers = "".join(f'<Choice value="{shown}" alias="{answer}"/>' for answer, shown in SHOWN.items())
    choices = "".join(f"<Choice value={quoteattr(category)}/>" for category in categories_of(examples))
    questions = {field: quoteattr(question) for field, question in QUESTION.items()}
    write_text(config, _CONFIG.format(answers=answers, choices=choices, **questions))
    return [path, config]


def read(path: Path) -> Iterator[tuple[str, Example, Vote | None]]:
    """Yield each task of an export with each of its annotations, or with None if it has none.

    Raises:
        InputError: if the file is no such export, or what was exported has been changed.
    """
    tasks = read_json(path)
    if not isinstance(tasks, list) or not all(isinstance(task, dict) and "data" in task for task in tasks):
        raise InputError(f"{path}: is no JSON export of Label Studio; there, export as JSON (not JSON-MIN).")
    for number, task in enumerate(tasks, start=1):
        where = f"{path}: task {task.get('id', number)}"
        if not isinstance(task["data"], dict) or not isinstance(task.get("annotations", []), list):
            raise InputError(f"{where}: 'data' or 'annotations' is not as Label Studio writes it; export as JSON.")
        example = recall(task["data"].get("record"), task["data"].get("text"), where)
        try:
            annotations = [each for each in task.get("annotations", ()) if not each.get("was_cancelled")]
            votes: list[Vote | None] = [*(_vote(annotation, where) for annotation in annotations)] or [None]
        except (KeyError, TypeError, AttributeError):
            raise InputError(f"{where}: an annotation is not as Label Studio writes it; export as JSON.") from None
        yield from ((where, example, vote) for vote in votes)


def _task(example: Example, *, suggest: bool) -> dict[str, Any]:
    task: dict[str, Any] = {"data": {"text": example.text, "record": record_of(example)}}
    if suggest and (said := suggested(example)):
        task["predictions"] = [{"model_version": "source", "result": [_answer(*item) for item in said.items()]}]
    return task


def _answer(field: str, value: Any) -> dict[str, Any]:
    kind, key = _TYPES[field]
    values = value if isinstance(value, list) else [value]
    return {"id": field, "from_name": field, "to_name": "text", "type": kind, "value": {key: values}}


def _vote(annotation: dict[str, Any], where: str) -> Vote:
    said: dict[str, list[str]] = {}
    for answer in annotation["result"]:
        if (field := answer.get("from_name")) in _TYPES:
            value = answer["value"][_TYPES[field][1]]
            said.setdefault(field, []).extend(value if isinstance(value, list) else [value])
    biased, category = (next(iter(said.get(field, ())), None) for field in ("biased", "category"))
    neutral = tuple(text for text in said.get("neutral", ()) if text.strip())
    return Vote(_annotator(annotation), read_biased(biased, where), category, neutral)


def _annotator(annotation: dict[str, Any]) -> str:
    by = annotation.get("completed_by")
    return str(by.get("email") or by.get("id")) if isinstance(by, dict) else str(by)
