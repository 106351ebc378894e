"""The endpoint: requests, the retries of those that may pass, and what it does not understand."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from itertools import count
from threading import Event, Lock
from typing import TYPE_CHECKING, Any

from gnb.core.errors import ModelError, SettingsError
from gnb.prompting.chat import ANSWER_KEY, Message
from gnb.rewriters.gpt.budget import Budget, usage_of
from gnb.rewriters.gpt.credentials import clean, gets_openai_key, is_openai, read_key
from gnb.rewriters.gpt.faults import (
    GarbledError,
    RejectedError,
    UnwelcomeError,
    explain,
    explain_line,
    may_be_billed,
    seconds_to_wait,
    words_of,
)
from gnb.rewriters.gpt.options import GptOptions
from gnb.rewriters.gpt.pool import StoppedError

if TYPE_CHECKING:
    from openai import OpenAI

Body = Mapping[str, Any]
"""A chat completion as the endpoint sent it."""

FORMATS: Mapping[str, Mapping[str, Any] | None] = {
    "json_schema": {
        "type": "json_schema",
        "json_schema": {
            "name": "neutral_form",
            "strict": True,
            "schema": {
                "type": "object",
                "properties": {ANSWER_KEY: {"type": "string"}},
                "required": [ANSWER_KEY],
                "additionalProperties": False,
            },
        },
    },
    "json_object": {"type": "json_object"},
    "none": None,
}
"""What asks for an answer in JSON, the strictest first."""


_CONNECT = 15.0
"""Seconds that a connection may take; only an answer takes longer."""


_TOO_DEEP: Body = {"choices": [{"message": "nested too deeply"}]}
"""Stands for an answer that no reader of JSON can hold: a malformed one."""


class Endpoint:
    """A client of one endpoint. Threads may share it.

    Raises:
        SettingsError: at the first request, if the key is missing or cannot be one.
    """

    def __init__(self, options: GptOptions) -> None:
        self._options = options
        self._lock = Lock()
        self._forms = tuple(FORMATS) if options.structured == "auto" else (options.structured,)
        self._proven: str | None = None
        self._reached = False

    def ask(self, messages: Sequence[Message], budget: Budget, stop: Event) -> tuple[Body, int]:
        """Return a chat completion, and how many further attempts it took.

        Until an answer has shown what form the endpoint takes, a request that is refused tries the looser ones for
        itself alone: it may be its text that is refused. The strictest form that was answered is the endpoint's.

        Raises:
            ModelError: if there is none, as `call`.
            BudgetError: if the next attempt could exceed what the run may cost.
        """
        refused: RejectedError
        for form in (self._proven,) if self._proven else self._forms:
            try:
                found = self.call(partial(self._paid, self.request(messages, form), budget, stop), stop)
            except RejectedError as error:
                refused = error
                continue
            with self._lock:
                self._proven = min(form, self._proven or form, key=self._forms.index)
            return found
        raise UnwelcomeError(str(refused)) if self._proven else refused

    def request(self, messages: Sequence[Message], form: str | None = None) -> dict[str, Any]:
        """Return the body of a request for a chat completion, in the strictest form unless another is named."""
        options = self._options
        request: dict[str, Any] = {
            "model": options.model,
            "messages": list(messages),
            # OpenAI's newer models refuse the name that all others know
            "max_completion_tokens" if is_openai(options) else "max_tokens": options.max_tokens,
            "temperature": options.temperature,
            "seed": options.seed,
            "response_format": FORMATS[form or self._forms[0]],
        }
        return {key: value for key, value in request.items() if value is not None}

    def call[ResultT](self, send: Callable[[], ResultT], stop: Event) -> tuple[ResultT, int]:
        """Return what a request gives, sent again while that may help, and how often it was.

        Raises:
            ModelError: if it fails for good, in one line without the key.
            StoppedError: if the run ends while it waits.
        """
        from openai import APIError

        for retries in count():
            if stop.is_set():
                raise StoppedError
            try:
                return _sent(send), retries
            except (APIError, GarbledError) as error:
                self._reached = self._reached or hasattr(error, "response")
                wait = seconds_to_wait(error, retries, self._options.retry_wait, reached=self._reached)
                if wait is None or retries >= self._options.retries:
                    raise explain(error, self._options, self.clean, retries) from None
            stop.wait(wait)
        raise AssertionError  # unreachable: `count` does not end

    def error_of_line(self, line: Mapping[str, Any]) -> ModelError:
        """Return what to tell of a line in a batch's results that holds no chat completion."""
        return explain_line(line, self._options, self.clean)

    def clean(self, said: str) -> str:
        """Return what the endpoint said without the key and without halves of characters."""
        return clean(said, self._key)

    def close(self) -> None:
        """Close the connections; the next request opens new ones."""
        if client := self.__dict__.pop("client", None):
            client.close()

    @cached_property
    def client(self) -> "OpenAI":
        """The client of the `openai` package, without its own retries."""
        from openai import DefaultHttpxClient, OpenAI, Timeout

        key = self._key.get_secret_value() if self._key else "none"
        timeout = Timeout(self._options.timeout, connect=min(self._options.timeout, _CONNECT))
        # a redirection would carry the texts to a host that nobody named
        http = DefaultHttpxClient(timeout=timeout, follow_redirects=False)
        url = self._options.base_url
        try:
            client = OpenAI(api_key=key, base_url=url, timeout=timeout, max_retries=0, http_client=http)
        except Exception:  # InvalidURL of httpx or httpx2, whichever the `openai` package stands on
            raise SettingsError(f"base_url {url!r}: there can be no such host. Check its spelling.") from None
        if not gets_openai_key(self._options):
            # read from OPENAI_ORG_ID, OPENAI_PROJECT_ID and OPENAI_CUSTOM_HEADERS, which are meant for OpenAI
            client.organization = client.project = None
            client._custom_headers = {}  # no argument keeps them out
        return client

    def _paid(self, request: dict[str, Any], budget: Budget, stop: Event) -> Body:
        """Send one request, and book what it cost: the most it can, where it may have been billed but does not say."""
        from openai import APIError

        bound = budget.bound(message["content"] for message in request["messages"])
        budget.reserve(bound)
        spent = bound
        try:
            if stop.is_set():  # while this one waited for money that others had set aside
                spent = 0.0
                raise StoppedError
            body = self._complete(request)
            spent = usage_of(body, budget).get("cost", bound)
        except (APIError, GarbledError) as error:
            spent = bound if may_be_billed(error) else 0.0
            raise
        finally:
            budget.settle(bound, spent)
        return body

    def _complete(self, request: dict[str, Any]) -> Body:
        """Send one request. The body is read here, so that anything but a chat completion is told as such."""
        with self._lock:
            client = self.client
        answer = client.chat.completions.with_raw_response.create(**request)
        self._reached = True
        try:
            body = json.loads(answer.content)
        except RecursionError:
            return _TOO_DEEP
        if not isinstance(body, dict) or not isinstance(body.get("choices"), list):
            said = f" ({words_of(body, self.clean)})" if isinstance(body, dict) and "error" in body else ""
            raise GarbledError(f"it answered with something that is no chat completion{said}.")
        return body

    @cached_property
    def _key(self) -> Any:
        return read_key(self._options)


def _sent[ResultT](send: Callable[[], ResultT]) -> ResultT:
    """Return what a request gives; the `openai` package reads JSON only in part under its own errors."""
    try:
        return send()
    except (ValueError, RecursionError):
        raise GarbledError("it answered with something that is no JSON.") from None
