"""Batches: handed in once, picked up again after a kill, read whatever order and state they come back in."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from openai_server import KEY, Endpoint, neutral_of, serving
from scripted import Workplace

from gnb.core.answering import Answers, answer
from gnb.core.errors import SettingsError
from gnb.core.store import Store
from gnb.plugins import conformance
from gnb.rewriters.gpt import batch
from gnb.rewriters.gpt.options import GptOptions
from gnb.rewriters.gpt.rewriter import GptRewriter

TEXTS = [f"دولتمردان قول مردانه شماره {number} را دادند." for number in range(20)]


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("GNB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "gpt-batches"


def gpt(endpoint: Endpoint, **options: Any) -> GptRewriter:
    usual = {"base_url": endpoint.url, "shots": "zero", "retry_wait": 0.01, "batch": True, "batch_poll": 0.01}
    return GptRewriter(GptOptions(**{**usual, **options}))


def ask(endpoint: Endpoint, store: Store, texts: list[str] = TEXTS, **options: Any) -> Answers:
    return answer(gpt(endpoint, **options), texts, store, lambda *_: None)


def test_it_keeps_the_contract() -> None:
    with serving() as endpoint:
        answers = conformance.check_rewriter(gpt(endpoint), read_ahead=None)
    assert [each.text for each in answers] == [neutral_of(text) for text in conformance.TEXTS]


def test_a_batch_answers_all_texts_and_leaves_nothing_behind(store: Store, cache: Path) -> None:
    with serving() as endpoint:
        answers = ask(endpoint, store, [*TEXTS, "", "۱۲"], input_price=1, output_price=1)
    assert [answers.rewrites[text].text for text in TEXTS] == [neutral_of(text) for text in TEXTS]
    assert answers.rewrites[TEXTS[0]].details["cost"] == pytest.approx(107 / 1e6)
    assert (len(endpoint.batches), endpoint.paid.total(), endpoint.requests) == (1, 20, [])
    assert not list(cache.rglob("*.json"))


def test_the_same_answers_count_as_those_asked_for_one_by_one(store: Store) -> None:
    with serving() as endpoint:
        ask(endpoint, store)
        assert not ask(endpoint, store, batch=False).error
        assert endpoint.paid.total() == 20


def test_equal_texts_are_paid_once() -> None:
    with serving() as endpoint:
        assert len(list(gpt(endpoint).rewrite([TEXTS[0]] * 3))) == 3
        assert endpoint.paid.total() == 1


def test_many_texts_make_several_batches(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "MAX_REQUESTS", 8)
    with serving() as endpoint:
        assert not ask(endpoint, store).error
        assert len(endpoint.batches) == 3


def test_a_killed_run_picks_the_same_batch_up_again(workplace: Workplace) -> None:
    states = ["in_progress"]
    told = ["-o", "gpt.shots=zero", "-o", "gpt.batch=true", "-o", "gpt.batch_poll=0.01"]
    with serving(batch_status=lambda batch: states[-1]) as endpoint:
        command = ["compare", "-s", "numbers:20", "-r", "gpt", "-m", "letters", *told]
        command += ["-o", f"gpt.base_url={endpoint.url}"]
        process = workplace.start(*command)
        while not endpoint.batches:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        states.append("completed")
        workplace.run(*command)
        assert (len(endpoint.batches), endpoint.paid.total()) == (1, 20)


def test_a_batch_whose_creation_was_answered_by_an_error_is_not_created_twice(store: Store) -> None:
    with serving(fault=lambda text, asked: "lost" if (text, asked) == ("create", 0) else "") as endpoint:
        assert not ask(endpoint, store).error
        assert (len(endpoint.batches), endpoint.paid.total()) == (1, 20)


def test_a_run_that_was_killed_while_it_read_goes_on_with_the_rest(store: Store, cache: Path) -> None:
    with serving() as endpoint:
        answers = gpt(endpoint).rewrite_as_completed(TEXTS)
        assert len([next(answers) for _ in range(5)]) == 5
        answers.close()
        assert len(list(cache.rglob("*.json"))) == 1
        assert not ask(endpoint, store, TEXTS[5:]).error
        assert (len(endpoint.batches), endpoint.paid.total()) == (1, 20)


def test_texts_that_are_new_go_into_a_batch_of_their_own(store: Store) -> None:
    with serving() as endpoint:
        ask(endpoint, store, TEXTS[:10])
        ask(endpoint, store)
        assert (len(endpoint.batches), max(endpoint.paid.values())) == (2, 1)


def test_a_batch_that_expires_is_read_as_far_as_it_goes_and_the_rest_asked_for_again(store: Store) -> None:
    with serving(batch_status=lambda batch: "expired") as endpoint:
        answers = ask(endpoint, store)
        assert answers.error == (
            "10 texts of a batch got no answer: the endpoint gave none. Run again; `gnb compare` asks for these alone."
        )
        endpoint.batch_status = lambda batch: "completed"
        assert not ask(endpoint, store).error
        assert (endpoint.paid.total(), max(endpoint.paid.values())) == (20, 1)


def test_texts_that_cannot_be_answered_stay_and_those_that_failed_are_asked_again(store: Store) -> None:
    faults = {TEXTS[1]: "too-long", TEXTS[2]: "bad", TEXTS[3]: "500"}
    with serving(fault=lambda text, asked: faults.get(text, "")) as endpoint:
        answers = ask(endpoint, store)
        assert "1 texts of a batch got no answer" in answers.error
        assert "error 500 (The server had an error)" in answers.error
        faults.pop(TEXTS[3])
        answers = ask(endpoint, store)
    found = [answers.rewrites[text] for text in TEXTS[:4]]
    assert [each.fallback for each in found] == [False, True, True, False]
    assert [each.details["outcome"] for each in found] == ["answered", "too long", "rejected", "answered"]


def test_a_batch_all_of_which_is_refused_is_no_fallback(store: Store) -> None:
    with serving(fault=lambda text, asked: "bad") as endpoint:
        answers = ask(endpoint, store)
    assert "20 texts of a batch got no answer" in answers.error
    assert "I do not like this one" in answers.error
    assert store.outputs(answers.fingerprint, TEXTS) == {}


def test_an_endpoint_that_knows_no_schemas_is_told_with_what_to_set(store: Store) -> None:
    with serving(formats=("json_object", "none")) as endpoint:
        error = ask(endpoint, store).error
        assert "response_format json_schema is not supported" in error
        assert "set -o gpt.structured=json_object, or none." in error
        assert not ask(endpoint, store, structured="json_object").error


def test_a_batch_that_the_endpoint_refuses_is_told(store: Store, cache: Path) -> None:
    with serving(batch_status=lambda batch: "failed") as endpoint:
        assert "refuses the batch: Enqueued token limit reached." in ask(endpoint, store).error
    assert not list(cache.rglob("*.json"))


def test_a_batch_that_was_deleted_is_handed_in_anew(store: Store, cache: Path) -> None:
    with serving() as endpoint:
        next(gpt(endpoint).rewrite_as_completed(TEXTS))
        (file,) = cache.rglob("*.json")
        file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | {"batch": "batch-gone"}), "utf-8")
        assert not ask(endpoint, store).error
        assert len(endpoint.batches) == 2


@pytest.mark.parametrize("lost", ["output_file_id", "error_file_id"])
def test_a_batch_whose_results_are_gone_is_asked_for_anew_as_far_as_they_are(
    store: Store, cache: Path, lost: str
) -> None:
    with serving(fault=lambda text, asked: "500" if (text, asked) == (TEXTS[3], 0) else "") as endpoint:
        killed = gpt(endpoint).rewrite_as_completed(TEXTS)
        next(killed)
        endpoint.files.pop(endpoint.batches["batch-0"][lost])
        assert not ask(endpoint, store).error
        assert (len(endpoint.batches), endpoint.paid[TEXTS[3]]) == (2, 1)
        assert endpoint.paid.total() == (39 if lost == "output_file_id" else 20)
    assert not list(cache.rglob("*.json"))


@pytest.mark.parametrize("path", ["/v1/files", "/v1/batches"])
def test_an_endpoint_that_takes_no_batches_is_told(store: Store, cache: Path, path: str) -> None:
    with serving(unknown=(path,)) as endpoint:
        error = ask(endpoint, store).error
    assert "there is nothing to ask here (404: Not Found)" in error
    assert "Not every endpoint takes batches" in error
    assert not list(cache.rglob("*.json"))


def test_a_batch_that_another_run_reads_to_its_end_meanwhile_is_passed_over() -> None:
    with serving() as endpoint:
        others = [gpt(endpoint).rewrite_as_completed(texts) for texts in (TEXTS[:10], TEXTS[10:])]
        mine = gpt(endpoint).rewrite_as_completed(TEXTS)
        for run in (*others, mine):
            next(run)
        assert [len(list(run)) for run in (*others, mine)] == [9, 9, 19]


def test_a_batch_that_could_cost_too_much_is_not_handed_in(store: Store) -> None:
    with serving() as endpoint:
        answers = ask(endpoint, store, input_price=1, output_price=1, max_cost=0.001)
        assert "Stopped before max_cost" in answers.error
        assert endpoint.files == {}


def test_options_of_batches_are_checked() -> None:
    with serving() as endpoint, pytest.raises(SettingsError, match="max_cost needs the prices"):
        gpt(endpoint, max_cost=1)
