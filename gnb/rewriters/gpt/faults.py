"""What went wrong at an endpoint: what may pass if it is asked again, and one line for what does not."""

import random
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from socket import gaierror
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from gnb.core.errors import ModelError, causes
from gnb.rewriters.gpt.credentials import Clean, key_variable

if TYPE_CHECKING:
    from openai import APIError, APIStatusError

    from gnb.rewriters.gpt.options import GptOptions

LONGEST_WAIT = 60.0
"""Seconds that doubling stops at; an endpoint's own Retry-After may be longer, ..."""
PATIENCE = 600.0
"""... up to this. Past it the run ends, to be started again when the user likes."""
_LOST = (408, 502, 504, *range(520, 525))
"""Status codes of a go-between that gave up on an endpoint, the last ones Cloudflare's."""
_KEPT = "`gnb compare` keeps what was answered"
_QUOTA = ("insufficient_quota", "billing_hard_limit_reached", "insufficient_balance")
_TOO_LONG = ("context_length", "context length", "context size", "context window", "maximum context", "too long")


@dataclass(frozen=True, slots=True)
class _Fault:
    """An error as an endpoint words it: HTTP status, code, type, and what it says."""

    status: int
    code: str
    type: str
    said: str

    @property
    def is_quota(self) -> bool:
        return self.status == 402 or any(name in f"{self.code} {self.type}" for name in _QUOTA)


class GarbledError(Exception):
    """An endpoint answered with something that is no chat completion."""


class TooLongError(ModelError):
    """A request is longer than the model's context."""


class FilteredError(ModelError):
    """An endpoint's content filter refused a request."""


class RejectedError(ModelError):
    """An endpoint refused a request as malformed, for a reason it may or may not say."""


class UnwelcomeError(ModelError):
    """An endpoint refused one text that way, though it had answered others that were asked about alike."""


class MissingError(ModelError):
    """An endpoint has no such model, batch, file or address."""


def seconds_to_wait(error: "APIError | GarbledError", attempt: int, first: float, *, reached: bool) -> float | None:
    """Return how long to wait before a request is sent again; None if that would not help.

    Exponential back-off with full jitter (Brooker 2015, "Exponential Backoff and Jitter", AWS Architecture Blog), but
    never less than the endpoint's Retry-After.

    Args:
        error: why the request failed.
        attempt: how often it has been sent again already.
        first: the longest first wait in seconds.
        reached: whether the endpoint has ever answered; an address that never did is probably wrong.
    """
    asked = _retry_after(error)
    if not _may_pass(error, reached=reached) or asked > PATIENCE:
        return None
    return max(asked, random.uniform(0, min(LONGEST_WAIT, first * 2**attempt)))  # noqa: S311  no secret


def _may_pass(error: "APIError | GarbledError", *, reached: bool) -> bool:
    from openai import APIConnectionError, APIStatusError, APITimeoutError

    if isinstance(error, GarbledError | APITimeoutError):
        # the class is httpx's or httpx2's, whichever the `openai` package stands on
        return reached or not any(type(cause).__name__ == "ConnectTimeout" for cause in causes(error))
    if isinstance(error, APIConnectionError):
        lasting = (ssl.SSLCertVerificationError, *(() if reached else (gaierror, ConnectionRefusedError)))
        return not any(isinstance(cause, lasting) for cause in causes(error))
    if not isinstance(error, APIStatusError):
        return False
    return error.status_code in (408, 409, 429, *range(500, 600)) and not _fault_of(error, str).is_quota


def may_be_billed(error: "APIError | GarbledError") -> bool:
    """Tell whether a model may have answered a request that failed: what it said was lost on the way or is no use."""
    from openai import APIConnectionError, APIStatusError

    if isinstance(error, APIStatusError):
        return error.status_code in _LOST
    if isinstance(error, APIConnectionError):
        unsent = (ssl.SSLCertVerificationError, gaierror, ConnectionRefusedError)
        return not any(
            isinstance(cause, unsent) or type(cause).__name__ in ("ConnectTimeout", "ConnectError")
            for cause in causes(error)
        )
    return True


def _retry_after(error: object) -> float:
    """Return the seconds that an endpoint asks to wait, 0 if it does not: Retry-After is a number or a date."""
    headers = getattr(getattr(error, "response", None), "headers", {})
    said = headers.get("retry-after", "")
    try:
        return max(0.0, float(said))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(said) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError, OverflowError):
        return 0.0


def explain(error: "APIError | GarbledError", options: "GptOptions", clean: Clean, retries: int) -> ModelError:
    """Return what to tell the user: what happened, where, what to do; what the endpoint said, cleaned."""
    from openai import APIConnectionError, APIStatusError

    where, tried = options.base_url, f" after {retries + 1} attempts" if retries else ""
    if isinstance(error, APIStatusError) and error.response.has_redirect_location:
        return ModelError(clean(_redirected(error, options)))
    if isinstance(error, APIStatusError):
        return _explain_fault(_fault_of(error, clean), options, tried)
    if isinstance(error, APIConnectionError):
        return ModelError(f"{where}{tried}: {clean(_unreachable(error))}")
    return ModelError(f"{where}{tried}: {error} Is base_url right? It usually ends in /v1.")


def explain_line(line: Mapping[str, Any], options: "GptOptions", clean: Clean) -> ModelError:
    """Return what to tell of a line in a batch's results that holds no chat completion."""
    response = mapping(line.get("response"))
    said = line.get("error") or mapping(response.get("body")).get("error")
    error, status = mapping(said), response.get("status_code")
    known = status if isinstance(status, int) else 0
    fault = _Fault(known, str(error.get("code")), str(error.get("type")), words_of(said, clean))
    return _explain_fault(fault, options, "")


def _explain_fault(fault: "_Fault", options: "GptOptions", tried: str) -> ModelError:
    where, status, said = options.base_url, fault.status, fault.said
    kind: type[ModelError] = ModelError
    if fault.is_quota:
        told = f"{where}: the quota of this key is used up ({said}). Top up and run again; {_KEPT}."
    elif status in (401, 403):
        told = _refused(options, f"{status}: {said}")
    elif status == 404:
        kind, told = MissingError, _missing(options, said)
    elif status == 413 or (status < 500 and any(part in f"{fault.code} {said}".lower() for part in _TOO_LONG)):
        kind, told = TooLongError, f"{where}: longer than the model's context ({said})."
    elif fault.code in ("content_filter", "content_policy_violation"):
        kind, told = FilteredError, f"{where}: the content filter refused a text ({said})."
    elif status in (400, 405, 415, 422):
        kind, told = RejectedError, f"{where} refuses the request ({status}: {said})."
    else:
        told = f"{where}{tried}: error {status} ({said}). Run again later; {_KEPT}."
    return kind(told)


def _redirected(error: "APIStatusError", options: "GptOptions") -> str:
    """Name the new host alone: the rest of its address may hold a secret."""
    try:
        to = urlsplit(urljoin(str(error.request.url), error.response.headers.get("location", "")))
    except ValueError:
        return f"{options.base_url} sends requests on to an address that is none. Is base_url right?"
    host = f"{to.scheme}://{to.netloc.rpartition('@')[2]}"
    return (
        f"{options.base_url} sends requests on to {host}, and texts go nowhere that you have not named."
        f" If you trust it, name it: -o gpt.base_url={host}/…"
    )


def _refused(options: "GptOptions", said: str) -> str:
    variable = key_variable(options)
    if variable is None:
        return f"{options.base_url} wants a key ({said}). Name its environment variable: -o gpt.api_key_env=NAME."
    return (
        f"{options.base_url} refuses the key ({said}). It is read from the environment variable {variable};"
        f" is it right, and allowed to use {options.model!r}?"
    )


def _missing(options: "GptOptions", said: str) -> str:
    if "model" in said.lower():
        return f"{options.base_url} has no model {options.model!r} ({said}). Set it with -o gpt.model=NAME."
    hint = " Not every endpoint takes batches: leave out gpt.batch for one that does not." if options.batch else ""
    return f"{options.base_url}: there is nothing to ask here (404: {said}). base_url usually ends in /v1.{hint}"


def _unreachable(error: Exception) -> str:
    for cause in causes(error):
        match cause:
            case ssl.SSLCertVerificationError():
                return (
                    f"its certificate cannot be verified ({cause.verify_message}). For a certificate of your own,"
                    " name its file in SSL_CERT_FILE."
                )
            case gaierror():
                return "there is no such host. Check base_url and the network."
            case ConnectionRefusedError():
                return "nothing answers there (connection refused). Is the server running, and base_url right?"
    if "timed out" in str(error):
        return "it did not answer in time. Raise -o gpt.timeout=SECONDS, or ask less at once (gpt.concurrency)."
    return f"the connection failed ({error.__cause__ or error})."


def words_of(body: object, clean: Clean) -> str:
    """Return what an endpoint says of an error, cleaned, on one line and short, whatever shape it gives it."""
    for key in ("error", "message", "detail"):
        if isinstance(body, Mapping) and body.get(key):
            body = body[key]
    # cleaned before it is cut: of a key that is cut in two, the first part would stay
    said = " ".join(clean(str(body or "no reason given")).split())
    return said if len(said) <= 300 else f"{said[:299]}…"


def mapping(value: object) -> Mapping[str, Any]:
    """Return an object of JSON as it is, and anything else as an empty one."""
    return value if isinstance(value, Mapping) else {}


def _fault_of(error: "APIStatusError", clean: Clean) -> _Fault:
    return _Fault(error.status_code, str(error.code), str(error.type), words_of(error.body, clean))
