"""What may go wrong at an endpoint: what passes is tried again, what does not is told in one line, nothing is lost."""

import json
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from openai_server import KEY, neutral_of, random_faults, serving
from test_gpt import until

from gnb.core.answering import answer
from gnb.core.errors import GnbError
from gnb.core.store import Store
from gnb.prompting.chat import answer_json
from gnb.rewriters.gpt.options import GptOptions
from gnb.rewriters.gpt.rewriter import GptRewriter

TEXT = "دولتمردان باید قول مردانه بدهند."
NUMBERED = [f"دولتمردان قول مردانه شماره {number} را دادند." for number in range(1000)]


def gpt(url: str, **options: Any) -> GptRewriter:
    usual = {"base_url": url, "api_key_env": "OPENAI_API_KEY", "shots": "zero", "retry_wait": 0.01}
    return GptRewriter(GptOptions(**{**usual, **options}))


def error_of(url: str, **options: Any) -> str:
    with pytest.raises(GnbError) as caught:
        list(gpt(url, **options).rewrite([TEXT]))
    said = str(caught.value)
    assert KEY not in said
    assert len(said.splitlines()) == 1
    return said


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


@pytest.mark.parametrize("fault", ["429", "500", "503", "reset", "cut", "garbage", "page", "slow"])
def test_what_may_pass_is_tried_again(fault: str) -> None:
    with serving(fault=lambda text, asked: fault if asked < 2 else "") as endpoint:
        (found,) = gpt(endpoint.url, timeout=1 if fault == "slow" else 30).rewrite([TEXT])
    assert (found.text, found.details["retries"], endpoint.paid[TEXT]) == (neutral_of(TEXT), 2, 1)


@pytest.mark.parametrize("kind", ["429", "429-date"])
def test_the_endpoints_own_word_on_when_to_come_back_is_kept(kind: str) -> None:
    with serving(fault=lambda text, asked: kind if asked < 1 else "") as endpoint:
        began = time.monotonic()
        (found,) = gpt(endpoint.url, retry_wait=1e-9).rewrite([TEXT])
    assert found.details["retries"] == 1
    # the date of a second ahead has no parts of seconds, so that less than a second may be left of it
    assert kind == "429-date" or time.monotonic() - began >= 0.01


def test_an_endpoint_that_wants_to_be_left_alone_for_a_day_ends_the_run() -> None:
    with serving(fault=lambda text, asked: "429-day") as endpoint:
        assert "error 429 (Come back tomorrow)" in error_of(endpoint.url)
    assert endpoint.asked[TEXT] == 1


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("quota", "the quota of this key is used up (You exceeded your current quota)"),
        ("402", "the quota of this key is used up (Insufficient Balance). Top up and run again; `gnb compare` keeps"),
        ("401", "refuses the key (401: Incorrect API key provided: [key].). It is read from the environment variable"),
        ("403", "refuses the key (403: Country not supported)"),
        ("404", "there is nothing to ask here (404: Not Found). base_url usually ends in /v1."),
        ("no-model", "has no model 'gpt-4o-mini' (The model `gpt-x` does not exist). Set it with -o gpt.model=NAME."),
    ],
)
def test_what_does_not_pass_is_told_at_once(fault: str, said: str) -> None:
    with serving(fault=lambda text, asked: fault) as endpoint:
        assert said in error_of(endpoint.url)
    assert endpoint.asked[TEXT] == 1


def test_a_request_that_no_form_helps_ends_with_the_endpoints_words() -> None:
    with serving(fault=lambda text, asked: "bad") as endpoint:
        assert "refuses the request (400: I do not like this one)" in error_of(endpoint.url)


@pytest.mark.parametrize(("refusals", "is_rejected"), [(1, False), (3, True)])
def test_a_text_that_is_refused_before_any_is_answered_does_not_loosen_the_format_of_the_others(
    refusals: int, is_rejected: bool
) -> None:
    bad, fine, third, later = NUMBERED[:4]

    def in_order(text: str) -> str:
        if text == bad and endpoint.asked[bad] == 1:
            until(lambda: endpoint.asked[fine] == 1)
        if text == fine:
            until(lambda: endpoint.paid[bad] == 1 or endpoint.asked[bad] == 3)
        if text == bad and endpoint.asked[bad] == 3:
            until(lambda: endpoint.asked[third] == 1)  # which is when the fine one has been answered
        return answer_json(neutral_of(text))

    plan = {"fault": lambda text, asked: "bad" if text == bad and asked < refusals else "", "content": in_order}
    with serving(**plan) as endpoint:
        rewriter = gpt(endpoint.url, concurrency=2, timeout=10, retries=0)
        answers = [*rewriter.rewrite([bad, fine, third]), *rewriter.rewrite([later])]
    assert [each.fallback for each in answers] == [is_rejected, False, False, False]
    assert endpoint.requests[-1]["response_format"]["type"] == "json_schema"


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("500", "after 3 attempts: error 500 (The server had an error). Run again later; `gnb compare` keeps what"),
        ("garbage", "after 3 attempts: it answered with something that is no JSON. Is base_url right?"),
        ("page", "after 3 attempts: it answered with something that is no JSON. Is base_url right?"),
        ("reset", "after 3 attempts: the connection failed"),
    ],
)
def test_what_never_passes_is_told_with_the_number_of_attempts(fault: str, said: str) -> None:
    with serving(fault=lambda text, asked: fault) as endpoint:
        assert said in error_of(endpoint.url, retries=2)
    assert endpoint.asked[TEXT] == 3


def test_an_endpoint_that_keeps_silent_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(fault=lambda text, asked: "slow") as endpoint:
        assert "it did not answer in time. Raise -o gpt.timeout=SECONDS" in error_of(
            endpoint.url, timeout=0.2, retries=1
        )


def test_a_server_that_is_not_there_is_told_at_once() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    assert "nothing answers there (connection refused). Is the server running" in error_of(url)


def test_a_host_that_does_not_exist_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert "there is no such host. Check base_url" in error_of("http://no-such-host.invalid/v1")


@pytest.fixture
def https(tmp_path: Path) -> Iterator[str]:
    """The address of a server whose certificate nobody trusts."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "1"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command, *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"https://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()


def test_a_certificate_that_cannot_be_verified_is_told_at_once(https: str) -> None:
    assert "its certificate cannot be verified" in error_of(https)


def test_a_thousand_texts_under_random_faults_lose_none_and_none_is_paid_twice(store: Store) -> None:
    kinds = ("429", "500", "503", "reset", "cut", "garbage", "page")
    with serving(fault=random_faults(7, 0.2, kinds)) as endpoint:
        answers = answer(gpt(endpoint.url, concurrency=16), NUMBERED, store, lambda *_: None)
    assert answers.error == ""
    assert [answers.rewrites[text].text for text in NUMBERED] == [neutral_of(text) for text in NUMBERED]
    assert not any(each.fallback for each in answers.rewrites.values())
    assert endpoint.asked.total() > 1100
    assert (len(endpoint.paid), max(endpoint.paid.values())) == (1000, 1)


def test_each_answer_is_kept_even_when_another_ends_the_run(store: Store) -> None:
    """The last text held back is answered only after the quota has ended the run."""
    texts = NUMBERED[:60]
    faults = {texts[30]: "quota", texts[28]: "hold"}
    with serving(fault=lambda text, asked: faults.get(text, "")) as endpoint:
        rewriter = gpt(endpoint.url, concurrency=4)
        releasing = threading.Timer(1.0, endpoint.release.set)
        releasing.start()
        answers = answer(rewriter, texts, store, lambda *_: None)
        releasing.join()
        assert "the quota of this key is used up" in answers.error
        kept = store.outputs(answers.fingerprint, texts)
        assert set(kept) == set(endpoint.paid)
        assert texts[28] in kept
        assert len(kept) < 60
        faults.clear()
        again = answer(gpt(endpoint.url), texts, store, lambda *_: None)
        assert (again.error, len(again.rewrites)) == ("", 60)
        assert max(endpoint.paid.values()) == 1


def test_no_further_request_is_sent_once_the_run_is_ending() -> None:
    faults = {NUMBERED[0]: "503", NUMBERED[1]: "quota"}
    with serving(fault=lambda text, asked: faults.get(text, "")) as endpoint:
        began = time.monotonic()
        with pytest.raises(GnbError, match="quota"):
            list(gpt(endpoint.url, retry_wait=60, concurrency=2).rewrite(NUMBERED[:2]))
        assert time.monotonic() - began < 30  # nobody waits to try again
        assert endpoint.asked[NUMBERED[0]] == 1


def test_an_outage_midway_is_waited_for() -> None:
    with serving() as endpoint:
        rewriter = gpt(endpoint.url, retries=20)
        assert len(list(rewriter.rewrite([TEXT]))) == 1
        endpoint.fault = lambda text, asked: "reset" if asked < 5 else ""
        (found,) = rewriter.rewrite(["قول مردانه"])
    assert found.text == "قول محکم"


def test_a_fault_of_the_reader_is_raised_after_what_was_under_way() -> None:
    def texts() -> Iterator[str]:
        yield from NUMBERED[:3]
        raise OSError("the disk is gone")

    with serving() as endpoint:
        answers = gpt(endpoint.url).rewrite_as_completed(texts())
        assert sorted(next(answers)[0] for _ in range(3)) == [0, 1, 2]
        with pytest.raises(OSError, match="the disk is gone"):
            next(answers)


@pytest.mark.parametrize(
    "choices", ["[]", "[null]", "[{}]", '[{"message": null}]', '[{"message": {"content": [1]}, "finish_reason": 3}]']
)
def test_a_completion_without_a_message_is_an_empty_answer(choices: str) -> None:
    with serving() as endpoint:
        endpoint.completion = lambda *_: {"choices": json.loads(choices), "usage": None}  # type: ignore[method-assign]
        (found,) = gpt(endpoint.url).rewrite([TEXT])
    assert (found.text, found.fallback, found.details["outcome"]) == (TEXT, True, "empty")
    assert "tokens" not in found.details


def test_a_host_that_lets_nobody_connect_is_told_at_once() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(address)  # they fill the queue of the listener, which takes none
        assert "it did not answer in time" in error_of(f"http://127.0.0.1:{address[1]}/v1", timeout=0.5)
        for each in waiting:
            each.close()
