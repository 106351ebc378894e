"""An endpoint that means no good: secrets stay here, texts go nowhere else, and a bad answer is one text's alone."""

import json
from typing import Any

import pytest
from openai_server import KEY, Endpoint, neutral_of, serving
from scripted import Workplace

from gnb.core.errors import GnbError, SettingsError
from gnb.prompting.chat import answer_json
from gnb.rewriters.gpt.options import GptOptions
from gnb.rewriters.gpt.rewriter import GptRewriter

TEXT = "دولتمردان باید قول مردانه بدهند."


def gpt(url: str, **options: Any) -> GptRewriter:
    usual = {"base_url": url, "api_key_env": "OPENAI_API_KEY", "shots": "zero", "retry_wait": 0.01}
    return GptRewriter(GptOptions(**{**usual, **options}))


def error_of(rewriter: GptRewriter) -> str:
    with pytest.raises(GnbError) as caught:
        list(rewriter.rewrite([TEXT]))
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


class TestTheKey:
    @pytest.mark.parametrize("kind", ["401", "200"])
    @pytest.mark.parametrize("before", [270, 285, 295])
    def test_no_part_of_it_is_told_where_a_long_error_is_cut(self, endpoint: Endpoint, kind: str, before: int) -> None:
        endpoint.errors["long"] = (int(kind), {"message": "x" * before + KEY + " is wrong" * 9}, {})
        endpoint.fault = lambda text, asked: "long"
        assert KEY[:4] not in error_of(gpt(endpoint.url, retries=0))

    def test_an_answer_or_refusal_that_repeats_it_is_shown_and_kept_without_it(
        self, endpoint: Endpoint, workplace: Workplace
    ) -> None:
        told = ["-o", f"gpt.base_url={endpoint.url}", "-o", "gpt.shots=zero", "-o", "gpt.api_key_env=OPENAI_API_KEY"]
        refusal = {"choices": [{"message": {"content": None, "refusal": f"bad key {KEY}"}}]}
        plain = endpoint.completion
        for body in (None, refusal):
            endpoint.content = lambda text: answer_json(f"قول {KEY}")
            endpoint.completion = plain if body is None else lambda *_, body=body: body  # type: ignore[method-assign]
            compare = ["compare", "-s", "numbers:3", "-r", "gpt", "-m", "letters", *told, "--json"]
            shown = [*workplace.run("rewrite", "-r", "gpt", *told, "--json", TEXT), *workplace.run(*compare)]
            assert "[key]" in shown[0]
            assert not [text for text in shown if KEY in text]
            files = [file for file in workplace.folder.rglob("*") if file.is_file()]
            assert not [file for file in files if KEY.encode() in file.read_bytes()]

    def test_a_batch_that_is_refused_is_told_without_it(self, endpoint: Endpoint) -> None:
        endpoint.batch_status = lambda batch: "failed"
        endpoint.batch_error = f"no batches for {KEY}"
        assert "no batches for [key]" in error_of(gpt(endpoint.url, batch=True, batch_poll=0.01))


class TestCost:
    PRICES = {"input_price": 1.0, "output_price": 100.0, "max_tokens": 20, "concurrency": 1}  # noqa: RUF012

    @pytest.mark.parametrize("fault", ["cut", "garbage", "slow", "reset"])
    def test_attempts_that_may_have_been_billed_count_towards_the_limit(self, endpoint: Endpoint, fault: str) -> None:
        endpoint.fault = lambda text, asked: fault
        options = {**self.PRICES, "timeout": 0.5 if fault == "slow" else 30, "retries": 20}
        once = gpt(endpoint.url, **options)
        bound = once._budget.bound(message["content"] for message in once.messages(TEXT))
        said = error_of(gpt(endpoint.url, **options, max_cost=2.5 * bound))
        assert f"${2 * bound:.4f} are spent" in said
        assert endpoint.asked[TEXT] == 2

    def test_attempts_that_nobody_bills_do_not(self, endpoint: Endpoint) -> None:
        endpoint.fault = lambda text, asked: "503" if asked < 4 else ""
        once = gpt(endpoint.url, **self.PRICES)
        bound = once._budget.bound(message["content"] for message in once.messages(TEXT))
        (found,) = gpt(endpoint.url, **self.PRICES, max_cost=1.5 * bound).rewrite([TEXT])
        assert (found.text, found.details["retries"]) == (neutral_of(TEXT), 4)


class TestElsewhere:
    @pytest.mark.parametrize("status", [301, 302, 307, 308])
    def test_a_text_is_not_sent_on_to_another_address(self, endpoint: Endpoint, status: int) -> None:
        with serving() as other:
            host = other.url.replace("127.0.0.1", "localhost").removesuffix("/v1")
            to = {"Location": f"{host}/v1/chat/completions?token=hunter2"}
            endpoint.errors["away"] = (status, {"message": "moved"}, to)
            endpoint.fault = lambda text, asked: "away"
            said = error_of(gpt(endpoint.url))
        assert (other.headers, endpoint.asked[TEXT]) == ([], 1)
        assert f"sends requests on to {host}" in said
        assert "base_url" in said
        assert "hunter2" not in said

    def test_an_address_to_go_on_to_that_is_none_is_told(self, endpoint: Endpoint) -> None:
        endpoint.errors["away"] = (307, {"message": "moved"}, {"Location": "http://[::1"})
        endpoint.fault = lambda text, asked: "away"
        assert "sends requests on to an address that is none" in error_of(gpt(endpoint.url))

    @pytest.mark.parametrize("variable", [None, "OTHER_KEY", "OPENAI_API_KEY"])
    def test_what_the_environment_says_for_openai_goes_to_nobody_who_gets_no_key_of_it(
        self, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, variable: str | None
    ) -> None:
        monkeypatch.setenv("OTHER_KEY", "another-key")
        monkeypatch.setenv("OPENAI_ORG_ID", "org-private")
        monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-private")
        monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Secret: hunter2\nX-Other: hunter2")
        list(gpt(endpoint.url, api_key_env=variable).rewrite([TEXT]))
        sent = endpoint.headers[0]
        private = {"openai-organization", "openai-project", "x-secret", "x-other"} & set(sent)
        assert len(private) == (4 if variable == "OPENAI_API_KEY" else 0)
        assert variable != "OTHER_KEY" or sent["authorization"] == "Bearer another-key"


PRICED = {"input_price": 1.0, "output_price": 1.0}


class TestBadAnswers:
    @pytest.mark.parametrize(
        "usage", ["many", [1], 7, {"prompt_tokens": "x"}, {"prompt_tokens": 10**400, "completion_tokens": 5}]
    )
    def test_a_usage_that_makes_no_sense_leaves_the_answer_without_a_cost(self, endpoint: Endpoint, usage: Any) -> None:
        plain = endpoint.completion
        endpoint.completion = lambda *args: {**plain(*args), "usage": usage}  # type: ignore[method-assign]
        (found,) = gpt(endpoint.url, **PRICED).rewrite([TEXT])
        assert (found.text, found.details) == (neutral_of(TEXT), {"outcome": "answered", "retries": 0})

    def test_a_usage_below_nothing_counts_as_nothing(self, endpoint: Endpoint) -> None:
        usage = {"prompt_tokens": -(10**9), "completion_tokens": -5}
        plain = endpoint.completion
        endpoint.completion = lambda *args: {**plain(*args), "usage": usage}  # type: ignore[method-assign]
        (found,) = gpt(endpoint.url, **PRICED).rewrite([TEXT])
        assert (found.details["prompt_tokens"], found.details["tokens"], found.details["cost"]) == (0, 0, 0.0)

    @pytest.mark.parametrize("message", ["hello", ["hello"], 5])
    def test_a_message_that_is_none_is_a_malformed_answer_of_that_text_alone(
        self, endpoint: Endpoint, message: Any
    ) -> None:
        plain = endpoint.completion
        bad = {"choices": [{"message": message, "finish_reason": "stop"}]}
        endpoint.completion = lambda request, *rest: (  # type: ignore[method-assign]
            bad if request["messages"][-1]["content"] == TEXT else plain(request, *rest)
        )
        first, second = gpt(endpoint.url).rewrite([TEXT, "قول مردانه"])
        assert (first.text, first.fallback, first.details["outcome"]) == (TEXT, True, "malformed")
        assert second.text == "قول محکم"

    def test_an_answer_nested_too_deeply_is_a_malformed_answer_of_that_text_alone(self, endpoint: Endpoint) -> None:
        endpoint.fault = lambda text, asked: "deep" if text == TEXT else ""
        first, second = gpt(endpoint.url).rewrite([TEXT, "قول مردانه"])
        assert (first.text, first.fallback, first.details["outcome"]) == (TEXT, True, "malformed")
        assert (second.text, endpoint.asked[TEXT]) == ("قول محکم", 1)

    @pytest.mark.parametrize(
        "said", ["Fri, 31 Dec 999999999999 23:59:59 GMT", "Fri, 31 Dec 9999 23:59:59 -2359", "nan"]
    )
    def test_a_time_to_come_back_that_is_none_is_told_or_passed_over(self, endpoint: Endpoint, said: str) -> None:
        endpoint.errors["later"] = (429, {"message": "slow down"}, {"Retry-After": said})
        endpoint.fault = lambda text, asked: "later"
        assert "error 429 (slow down)" in error_of(gpt(endpoint.url, retries=1))

    @pytest.mark.parametrize("content", ['{"neutral": "\\ud800 متن"}', "\ud800 متن"])
    def test_half_a_character_in_an_answer_can_be_printed(
        self, endpoint: Endpoint, workplace: Workplace, content: str
    ) -> None:
        endpoint.content = lambda text: content
        told = ["-o", f"gpt.base_url={endpoint.url}", "-o", "gpt.shots=zero"]
        for form in ([], ["--json"]):
            out, _ = workplace.run("rewrite", "-r", "gpt", *told, *form, TEXT)
            assert "\ufffd متن" in (json.loads(out)["text"] if form else out)

    def test_half_a_character_in_an_error_can_be_printed(self, endpoint: Endpoint, workplace: Workplace) -> None:
        endpoint.errors["half"] = (401, {"message": "no \ud800 way"}, {})
        endpoint.fault = lambda text, asked: "half"
        _, err = workplace.run("rewrite", "-r", "gpt", "-o", f"gpt.base_url={endpoint.url}", TEXT, code=2)
        assert "no \ufffd way" in err


class TestBadBatches:
    def gpt(self, endpoint: Endpoint, **options: Any) -> GptRewriter:
        return gpt(endpoint.url, batch=True, batch_poll=0.01, retries=1, **options)

    @pytest.mark.parametrize("path", ["/v1/files", "/v1/batches", "/v1/batches/batch-0"])
    @pytest.mark.parametrize("body", [b"[1", b"[1]", b"null", b"[" * 100_000, b'{"id": [5]}'])
    def test_what_is_no_batch_is_told(
        self, endpoint: Endpoint, path: str, body: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
    ) -> None:
        monkeypatch.setenv("GNB_CACHE", str(tmp_path))
        endpoint.instead[path] = body
        assert "after 2 attempts: it answered with something that is no" in error_of(self.gpt(endpoint))

    @pytest.mark.parametrize(
        "line", ["[1", "[1]", "null", '{"custom_id": [1]}', '{"custom_id": "KEY", "response": "no", "error": [1]}']
    )
    def test_a_line_of_the_results_that_is_none_costs_the_others_nothing(
        self, endpoint: Endpoint, line: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
    ) -> None:
        monkeypatch.setenv("GNB_CACHE", str(tmp_path))
        endpoint.bad_line = line
        answers = self.gpt(endpoint).rewrite_as_completed([TEXT, "قول مردانه"])
        assert next(answers)[1].text == "قول محکم"
        with pytest.raises(GnbError, match="1 texts of a batch got no answer"):
            next(answers)

    @pytest.mark.parametrize("body", ["hello", [1], {"choices": 5}, {"choices": [{"message": "hello"}], "usage": "x"}])
    def test_a_completion_that_is_none_is_an_answer_of_that_text_alone(
        self, endpoint: Endpoint, body: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
    ) -> None:
        monkeypatch.setenv("GNB_CACHE", str(tmp_path))
        plain = endpoint.completion
        endpoint.completion = lambda request, *rest: (  # type: ignore[method-assign]
            body if request["messages"][-1]["content"] == TEXT else plain(request, *rest)
        )
        found = dict(self.gpt(endpoint).rewrite_as_completed([TEXT, "قول مردانه"]))
        assert (found[0].text, found[0].fallback, found[1].text) == (TEXT, True, "قول محکم")


@pytest.mark.parametrize(
    "url",
    [
        "http://[::1/v1",
        "http://127.0.0.1:abc/v1",
        "http://127.0.0.1:99999/v1",
        "http://user:hun/ter2@h/v1",
        "http://user:80/ter2@h/v1",
        "user:hunter2@h/v1",
        "http://a b/v1",
        "http://1.2.3.999/v1",
        "http://☃☃\u200c/v1",
    ],
)
def test_an_address_that_is_none_is_told_in_one_line_without_a_password(url: str) -> None:
    with pytest.raises(SettingsError, match="base_url") as caught:
        list(gpt(url).rewrite([TEXT]))
    said = str(caught.value)
    assert len(said.splitlines()) == 1
    assert "hun" not in said
    assert "ter2" not in said
