"""The path to a model of the hub, up to and through the download, and each way in which the hub may refuse."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from model_hub import COMMIT, NAME, TOKEN, Hub, serve
from tiny_model import build_tiny_chat_model

from gnb.core.errors import ModelError, SettingsError
from gnb.core.hub import require_hub, without_secrets
from gnb.models.hub import hub_folder
from gnb.models.loading import model_identity


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a repository; nobody looks into them here."""
    folder = tmp_path_factory.mktemp("repository")
    for name in ("config.json", "tokenizer.json", "README.md", "pytorch_model.bin"):
        (folder / name).write_text(f"{name}: equal files would be fetched once", "utf-8")
    (folder / "model.safetensors").write_bytes(os.urandom(100_000))
    return folder


@pytest.fixture
def hub(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """The stand-in, an empty cache, and no token."""
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_ETAG_TIMEOUT", 1)
    with serve(repository) as hub:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.address)
        monkeypatch.setattr(
            "huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE",
            hub.address + "/{repo_id}/resolve/{revision}/{filename}",
        )
        yield hub


def told(name: str = NAME, revision: str | None = None) -> str:
    """Return the one line of why a model cannot be fetched."""
    with pytest.raises(ModelError) as error:
        hub_folder(name, revision)
    message = str(error.value)
    assert name in message
    assert "\n" not in message
    assert TOKEN not in message
    return message


def test_a_model_is_fetched_once_and_then_asks_nobody(hub: Hub, monkeypatch: pytest.MonkeyPatch):
    folder = hub_folder(NAME)
    assert {"config.json", "tokenizer.json", "model.safetensors"} <= {file.name for file in folder.iterdir()}
    assert not {"README.md", "pytorch_model.bin"} & set(hub.gets())
    hub.asked.clear()
    assert hub_folder(NAME) == folder
    assert hub.asked == []
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    assert hub_folder(NAME) == folder


def test_a_fingerprint_is_the_same_before_and_after_the_download(hub: Hub):
    before = model_identity(NAME)
    assert before == {"base_model": NAME, "revision": COMMIT}
    assert hub.gets() == []
    hub_folder(NAME)
    assert model_identity(NAME) == before
    assert model_identity(NAME, COMMIT) == before


def test_the_tokenizer_alone_needs_no_weights(hub: Hub):
    hub_folder(NAME, weights=())
    assert sorted(hub.gets()) == ["config.json", "tokenizer.json"]


def test_a_gated_model_asks_for_a_token_and_the_licence(hub: Hub):
    hub.fault = "gated"
    message = told()
    assert f"accept its licence at https://huggingface.co/{NAME}" in message
    assert "hf auth login" in message
    assert "HF_TOKEN" in message


def test_a_gated_model_asks_one_who_is_logged_in_for_the_licence_alone(hub: Hub, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    hub.fault = "gated"
    message = told()
    assert "accept its licence" in message
    assert "hf auth login" not in message
    assert hub.tokens == {TOKEN}


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("refused", "the token is refused (401). Log in anew"),
        ("missing", "there is no such model, or it is private"),
        ("trouble", "the hub is in trouble (500)"),
    ],
)
def test_a_refusal_says_what_helps(hub: Hub, monkeypatch: pytest.MonkeyPatch, fault: str, expected: str):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # between the client's own tries
    hub.fault = fault
    assert expected in told()


def test_a_hub_that_keeps_silent_says_so(hub: Hub, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gnb.models.hub._PATIENCE", 0.5)
    hub.fault = "slow"
    assert "does not answer in time" in told()


def test_no_connection_says_so(hub: Hub, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://somebody:secret@127.0.0.1:9")
    message = told()
    assert "from 127.0.0.1:9: no connection" in message
    assert "secret" not in message


@pytest.mark.parametrize("address", ["http://somebody:secret@127.0.0.1:80a0", "somebody:secret@mirror.example"])
def test_a_malformed_address_of_the_hub_says_so(hub: Hub, monkeypatch: pytest.MonkeyPatch, address: str):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
    with pytest.raises(SettingsError, match="HF_ENDPOINT is no address") as error:
        hub_folder(NAME)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("token", ["hf_abc\u200cdef", "hf_abc\x0bdef"])
def test_a_token_that_cannot_be_one_is_told_and_not_shown(hub: Hub, monkeypatch: pytest.MonkeyPatch, token: str):
    monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(SettingsError, match="holds characters that no token has") as error:
        hub_folder(NAME)
    assert "abc" not in str(error.value)


def test_a_hub_behind_a_proxy_for_everything_is_left_to_the_proxy(hub: Hub, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://hub.invalid")
    with pytest.raises(ConnectionError):
        require_hub()
    monkeypatch.setenv("ALL_PROXY", hub.address)
    require_hub()


def test_a_cache_that_cannot_be_written_to_is_told(hub: Hub, tmp_path: Path):
    (tmp_path / "cache").write_text("a file", "utf-8")
    assert "the transfer broke off (Not a directory)" in told(revision=COMMIT)


def test_what_addresses_hold_besides_the_host_and_path_is_not_shown():
    said = "404 for url 'https://me:pw@hub.example/a/b?Expires=9&Signature=abc' was said. Is it there?"
    assert without_secrets(said) == "404 for url 'https://hub.example/a/b' was said. Is it there?"


def test_a_wrong_revision_is_told(hub: Hub):
    assert "no such revision" in told(revision="v9")


def test_a_download_that_breaks_off_says_so_and_goes_on_later(hub: Hub, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    hub.fault = "cut"
    assert "the transfer broke off" in told()
    hub.fault = ""
    assert (hub_folder(NAME) / "model.safetensors").stat().st_size == (hub.folder / "model.safetensors").stat().st_size


def test_the_profile_llama3_walks_from_the_hub_to_an_answer(tmp_path: Path):
    text = "دولتمردان باید قول مردانه بدهند."
    command = [sys.executable, "-m", "gnb", "rewrite", "-r", "base", "--profile", "llama3", "--json", text]
    with serve(build_tiny_chat_model(tmp_path / "model", template=None)) as hub:
        settings = {"HF_ENDPOINT": hub.address, "HF_HUB_CACHE": str(tmp_path / "cache"), "HF_TOKEN": TOKEN}
        for fault, code in (("gated", 2), ("", 0)):
            hub.fault = fault
            done = subprocess.run(
                command, env={**os.environ, **settings}, encoding="utf-8", capture_output=True, check=False
            )
            assert done.returncode == code, done.stderr
            assert TOKEN not in done.stdout + done.stderr
            assert done.stderr.count("\n") == (1 if fault else 0), done.stderr
    answer = json.loads(done.stdout)
    assert answer["input"] == text
    assert answer["details"]["tokens"] > 0
    assert all(NAME in line for line in hub.asked)
