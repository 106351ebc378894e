"""The engine vllm: the same answers as transformers' own. For real where vLLM is installed; `make vllm` installs it."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import pytest
from tiny_model import build_tiny_adapter, build_tiny_chat_model

from gnb.core.errors import MissingDependencyError, ModelError, SettingsError
from gnb.core.records import Rewrite
from gnb.rewriters.base import BaseRewriter
from gnb.rewriters.local.options import LocalOptions, LoraOptions
from gnb.rewriters.lora import LoraRewriter

TEXTS = ["مرد که گریه نمی‌کند.", "او پرستار است.", "خانم‌ها رانندگی بلد نیستند!\nآقایان بلدند.", "🙂", "ok <eos>"]
needs_vllm = pytest.mark.skipif(not find_spec("vllm"), reason="needs vLLM: make vllm")


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_chat_model(tmp_path_factory.mktemp("llama") / "model", head_size=32)


@pytest.fixture(scope="module")
def adapter(llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_adapter(llama, tmp_path_factory.mktemp("llama") / "adapter")


def base(llama: Path, **options: Any) -> list[Rewrite]:
    return _answers(BaseRewriter(LocalOptions(base_model=str(llama), dtype="float32", **options)))


def lora(llama: Path, adapter: Path, **options: Any) -> list[Rewrite]:
    return _answers(LoraRewriter(LoraOptions(base_model=str(llama), adapter=str(adapter), dtype="float32", **options)))


def _answers(rewriter: BaseRewriter | LoraRewriter) -> list[Rewrite]:
    with rewriter:
        return list(rewriter.rewrite(TEXTS))


@pytest.fixture
def _little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "1")  # GiB


@needs_vllm
@pytest.mark.usefixtures("_little_memory")
def test_the_base_model_answers_as_with_transformers_and_is_freed(llama: Path) -> None:
    assert base(llama, engine="vllm") == base(llama, decoding="plain")
    _, alive = psutil.wait_procs(psutil.Process().children(recursive=True), timeout=30)
    assert not [process.name() for process in alive if "vllm" in process.name().lower()]


@needs_vllm
@pytest.mark.usefixtures("_little_memory")
@pytest.mark.parametrize("drafted", [0, 8])
def test_an_adapter_answers_as_with_transformers(llama: Path, adapter: Path, drafted: int) -> None:
    found = lora(llama, adapter, engine="vllm", speculative_tokens=drafted)
    assert found == lora(llama, adapter, decoding="plain")
    assert found != base(llama, decoding="plain")


@needs_vllm
@pytest.mark.usefixtures("_little_memory")
def test_the_chat_template_is_asked_with(llama: Path) -> None:
    options = {"template": "chat", "shots": "zero", "context_length": 2048}
    with BaseRewriter(LocalOptions(base_model=str(llama), dtype="float32", engine="vllm", **options)) as rewriter:
        assert list(rewriter.rewrite(TEXTS)) == base(llama, decoding="plain", **options)
        assert {1, 4} <= rewriter._stop  # both end tokens of the model


@needs_vllm
def test_an_option_that_vllm_settles_itself_is_refused(llama: Path) -> None:
    with pytest.raises(SettingsError, match="settles device_map itself"):
        base(llama, engine="vllm", device_map="auto")


@needs_vllm
def test_eight_bits_are_refused(llama: Path) -> None:
    with pytest.raises(SettingsError, match="4 bits alone"):
        base(llama, engine="vllm", quantisation="8bit")


@needs_vllm
def test_an_adapter_of_another_vocabulary_is_refused(llama: Path, adapter: Path) -> None:
    (adapter / "gnb.json").write_text('{"base_model": "model", "vocabulary": 7}', "utf-8")
    try:
        with pytest.raises(ModelError, match="a vocabulary of 7 tokens"):
            lora(llama, adapter, engine="vllm")
    finally:
        (adapter / "gnb.json").unlink()


@pytest.mark.skipif(bool(find_spec("vllm")), reason="vLLM is installed")
def test_without_vllm_the_message_says_how_to_install_it(llama: Path) -> None:
    with pytest.raises(MissingDependencyError, match=r"pip install 'gnb\[vllm\]'"):
        base(llama, engine="vllm")


def test_answers_of_another_engine_are_told_apart_in_the_store(llama: Path) -> None:
    prints = [
        BaseRewriter(LocalOptions(base_model=str(llama), decoding="plain", **more)).fingerprint()
        for more in ({}, {"engine": "vllm"})
    ]
    assert prints[0] != prints[1]
