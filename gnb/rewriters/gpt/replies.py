"""From a chat completion to an answer."""

from collections.abc import Mapping
from typing import Any

from gnb.core.errors import ModelError
from gnb.core.records import Rewrite
from gnb.prompting.answers import REASONS, Answer, read_answer
from gnb.rewriters.gpt.budget import Budget, usage_of
from gnb.rewriters.gpt.credentials import Clean
from gnb.rewriters.gpt.faults import FilteredError, TooLongError, UnwelcomeError, mapping

_REASONS = {**REASONS, "truncated": "the answer is longer than max_tokens"}


def rewrite_of(text: str, body: Mapping[str, Any], budget: Budget, clean: Clean, retries: int = 0) -> Rewrite:
    """Read the answer to a text out of a chat completion, with its outcome, tokens and cost in the details."""
    choices = body.get("choices")
    choice = next((each for each in choices if isinstance(each, Mapping)), {}) if isinstance(choices, list) else {}
    message = mapping(choice.get("message"))
    raw = next((said for key in ("content", "refusal") if isinstance(said := message.get(key), str) and said), "")
    raw = clean(raw)
    answer = _answer(choice, raw, text)
    details = {"outcome": answer.outcome, **usage_of(body, budget), "retries": retries}
    if answer.outcome != "answered":
        return Rewrite(text, raw, True, {**details, "reason": _REASONS[answer.outcome]})
    lead, _, tail = text.partition(text.strip())
    return Rewrite(lead + clean(answer.text) + tail, raw, details=details)


def left_alone(text: str, error: ModelError) -> Rewrite | None:
    """Return the text itself as its answer where the endpoint would not take it; None if it is not to blame."""
    match error:
        case TooLongError():
            outcome, reason = "too long", "longer than the context"
        case FilteredError():
            outcome, reason = "refused", str(error)
        case UnwelcomeError():
            outcome, reason = "rejected", str(error)
        case _:
            return None
    return Rewrite(text, None, True, {"outcome": outcome, "reason": reason})


def _answer(choice: Mapping[str, Any], raw: str, text: str) -> Answer:
    message = choice.get("message") or {}
    if not isinstance(message, Mapping):
        return Answer("malformed")
    match choice.get("finish_reason"):
        case "length":
            return Answer("truncated")
        case "content_filter":
            return Answer("refused")
    if message.get("refusal") and not message.get("content"):
        return Answer("refused")
    return read_answer(raw, text)
