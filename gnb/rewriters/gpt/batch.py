"""Whole corpora through the batch endpoint: half the price at OpenAI, answers within a day.

What was handed in is written down first, so that a run that was killed picks the same batch up again and pays once.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, Literal

from gnb.core.components import Record
from gnb.core.errors import ModelError
from gnb.core.fingerprint import fingerprint_of, hash_text
from gnb.core.paths import cache_dir
from gnb.core.records import Rewrite
from gnb.core.text import has_letters
from gnb.prompting.chat import Message
from gnb.rewriters.gpt.budget import Budget
from gnb.rewriters.gpt.endpoint import Endpoint
from gnb.rewriters.gpt.faults import GarbledError, MissingError, RejectedError, UnwelcomeError, mapping
from gnb.rewriters.gpt.options import GptOptions
from gnb.rewriters.gpt.replies import left_alone, rewrite_of

if TYPE_CHECKING:
    from openai.types import Batch, FileObject

Ask = Callable[[str], list[Message]]
MAX_REQUESTS, MAX_BYTES = 20_000, 50_000_000
"""What one batch holds at the most; OpenAI takes 50,000 requests and 200 MB."""
_PATH: Literal["/v1/chat/completions"] = "/v1/chat/completions"
_NEVER = Event()


@dataclass(frozen=True, slots=True)
class Job:
    """A batch that was handed in, or is about to be: its input file, its id once it has one, and its texts' hashes."""

    input_file: str
    batch: str
    ids: Sequence[str]


class Batches:
    """Hands in texts batch by batch and reads the answers.

    Args:
        endpoint: where.
        budget: what it may cost; a batch is let through as a whole or not at all.
        options: how often to look.
        record: the rewriter's fingerprint; batches are kept under it.
    """

    def __init__(self, endpoint: Endpoint, budget: Budget, options: GptOptions, record: Record) -> None:
        self._endpoint = endpoint
        self._budget = budget
        self._options = options
        self._cost = 0.0
        self._answered = False
        self._folder = cache_dir() / "gpt-batches" / fingerprint_of(record)

    def answers(self, texts: Iterable[str], ask: Ask) -> Iterator[tuple[int, Rewrite]]:
        """Yield each text's place and answer.

        Raises:
            ModelError: if texts got no answer, after all others were yielded.
            BudgetError: before a batch that could exceed `max_cost`.
        """
        places: dict[str, list[int]] = {}
        requests: dict[str, tuple[str, str]] = {}
        size = 0
        for place, text in enumerate(texts):
            if not has_letters(text):
                yield place, Rewrite(text)
                continue
            key = hash_text(text)
            places.setdefault(key, []).append(place)
            if key in requests:
                continue
            requests[key] = text, self._line(key, ask(text))
            size += len(requests[key][1].encode())
            if len(requests) >= MAX_REQUESTS or size >= MAX_BYTES:
                yield from self._answer(requests, places)
                requests, places, size = {}, {}, 0
        yield from self._answer(requests, places)

    def _answer(
        self, requests: dict[str, tuple[str, str]], places: Mapping[str, Sequence[int]]
    ) -> Iterator[tuple[int, Rewrite]]:
        waiting = dict(requests)
        problem = "the endpoint gave none."
        for job, is_new in self._jobs(waiting):
            for line in self._results(job, is_new=is_new):
                key = line.get("custom_id")
                if not isinstance(key, str) or key not in waiting:
                    continue
                answer = self._read(*waiting[key], line)
                if answer is None:
                    problem = self._problem(line)
                    continue
                del waiting[key]
                yield from ((place, answer) for place in places[key])
            self._file(job).unlink(missing_ok=True)
        if waiting:
            raise ModelError(
                f"{len(waiting)} texts of a batch got no answer: {problem}"
                " Run again; `gnb compare` asks for these alone."
            )

    def _jobs(self, waiting: Mapping[str, tuple[str, str]]) -> Iterator[tuple[Job, bool]]:
        """Yield the batches that hold what is waited for, and whether each is new: first those of earlier runs."""
        for file in sorted(self._folder.glob("*.json")):
            try:
                job = Job(**json.loads(file.read_text("utf-8")))
            except FileNotFoundError:  # another run has just read this batch to its end
                continue
            if waiting.keys() & set(job.ids):
                yield job, False
        if waiting:
            bound = sum(self._budget.bound([line]) for _, line in waiting.values())
            self._budget.reserve(bound)
            self._cost = 0.0
            try:
                yield self._upload(waiting), True
            finally:
                self._budget.settle(bound, self._cost)

    def _upload(self, waiting: Mapping[str, tuple[str, str]]) -> Job:
        data = "".join(f"{line}\n" for _, line in waiting.values()).encode()
        client = self._endpoint.client
        uploaded, _ = self._endpoint.call(
            lambda: _named(client.files.create(file=("gnb.jsonl", data), purpose="batch")), _NEVER
        )
        return self._keep(Job(uploaded.id, "", list(waiting)))

    def _results(self, job: Job, *, is_new: bool) -> Iterator[Mapping[str, Any]]:
        """Wait for a batch, and yield the lines of its results and errors, as far as the endpoint still has them."""
        client = self._endpoint.client
        try:
            batch = self._finished(job)
            for file in (batch.output_file_id, batch.error_file_id):
                if file:
                    content, _ = self._endpoint.call(partial(client.files.content, file), _NEVER)
                    yield from map(_object, content.read().splitlines())
        except MissingError:
            self._file(job).unlink(missing_ok=True)
            if is_new:
                raise
            return  # what is missing is handed in anew
        if batch.status == "failed":
            self._file(job).unlink(missing_ok=True)
            said = "; ".join(str(error.message) for error in (batch.errors and batch.errors.data) or ())
            said = self._endpoint.clean(said)
            raise ModelError(f"{self._options.base_url} refuses the batch: {said or 'no reason given'}.")

    def _finished(self, job: Job) -> "Batch":
        client = self._endpoint.client
        if not job.batch:
            created, _ = self._endpoint.call(lambda: _named(self._adopted(job) or self._created(job)), _NEVER)
            job = self._keep(replace(job, batch=created.id))
        while True:
            batch, _ = self._endpoint.call(lambda: _named(client.batches.retrieve(job.batch)), _NEVER)
            if batch.status in ("completed", "failed", "expired", "cancelled"):
                return batch
            time.sleep(self._options.batch_poll)

    def _adopted(self, job: Job) -> "Batch | None":
        """Return the batch of a job's input file if there is one already: the answer to its creation may be lost."""
        try:
            recent = self._endpoint.client.batches.list(limit=100).data
        except AttributeError:  # of the `openai` package, about JSON that is no object
            recent = None
        if not isinstance(recent, list):
            raise GarbledError("it answered with something that is no list of batches.")
        return next((batch for batch in recent if batch.input_file_id == job.input_file), None)

    def _created(self, job: Job) -> "Batch":
        return self._endpoint.client.batches.create(
            input_file_id=job.input_file, endpoint=_PATH, completion_window="24h"
        )

    def _keep(self, job: Job) -> Job:
        self._folder.mkdir(parents=True, exist_ok=True)
        scratch = self._file(job).with_suffix(".tmp")
        scratch.write_text(json.dumps(asdict(job)), "utf-8")
        scratch.replace(self._file(job))
        return job

    def _file(self, job: Job) -> Path:
        return self._folder / f"{hash_text(job.input_file)}.json"

    def _line(self, key: str, messages: list[Message]) -> str:
        request = {"custom_id": key, "method": "POST", "url": _PATH, "body": self._endpoint.request(messages)}
        return json.dumps(request, ensure_ascii=False)

    def _read(self, text: str, asked: str, line: Mapping[str, Any]) -> Rewrite | None:
        """Return the answer that a line of the results holds; None if the text has to be asked for again."""
        response = mapping(line.get("response"))
        if response.get("status_code") != 200:
            error = self._endpoint.error_of_line(line)
            # the lines that were answered come first
            is_own_fault = self._answered and isinstance(error, RejectedError)
            return left_alone(text, UnwelcomeError(str(error)) if is_own_fault else error)
        self._answered = True
        answer = rewrite_of(text, mapping(response.get("body")), self._budget, self._endpoint.clean)
        self._cost += answer.details.get("cost", self._budget.bound([asked]))
        return answer

    def _problem(self, line: Mapping[str, Any]) -> str:
        """Tell why a text has to be asked for again. A batch asks in one form; only single requests try looser ones."""
        error = self._endpoint.error_of_line(line)
        if not isinstance(error, RejectedError) or self._options.structured == "none":
            return str(error)
        looser = "none" if self._options.structured == "json_object" else "json_object, or none"
        return f"{error} If it is the format of the answers, set -o gpt.structured={looser}."


def _named[ThingT: "Batch | FileObject"](thing: ThingT) -> ThingT:
    """Return a file or a batch; the `openai` package takes any JSON for one."""
    if not isinstance(getattr(thing, "id", None), str):
        raise GarbledError("it answered with something that is no file and no batch.")
    return thing


def _object(line: bytes) -> Mapping[str, Any]:
    """Return what a line of the results holds; nothing if it is broken."""
    try:
        return mapping(json.loads(line))
    except (ValueError, RecursionError):
        return {}
