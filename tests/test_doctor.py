"""`gnb doctor`: what it finds on this machine, on broken ones, and on a hub that answers this or that."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner
from scripted import Workplace
from tiny_model import build_tiny_chat_model

from gnb.cli.main import cli
from gnb.core.errors import GnbError, UnknownNameError
from gnb.doctor.machine import Memory
from gnb.doctor.sizes import Size, size_of
from gnb.models.options import ModelOptions

LLAMA3 = "meta-llama/Meta-Llama-3-8B"
KEY = "sk-never-shown-anywhere"
LLAMA3_CONFIG = {
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
}


@dataclass
class Found:
    """The exit code and the checks, as (level, topic, found and advice)."""

    code: int
    checks: list[tuple[str, str, str]]

    def levels(self, topic: str) -> list[str]:
        return [level for level, each, _ in self.checks if each == topic]

    def said(self, topic: str) -> str:
        return "\n".join(text for _, each, text in self.checks if each == topic)

    def fails(self) -> list[str]:
        return [topic for level, topic, _ in self.checks if level == "fails"]


@pytest.fixture(autouse=True)
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty working folder and hub cache, no key and no token, and a hub that nobody may ask."""
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "no-token"))
    ask_at(monkeypatch, "http://127.0.0.1:9")


def ask_at(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """Make an address the hub's, as HF_ENDPOINT does for a new process."""
    template = f"{address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)


def doctor(*arguments: str) -> Found:
    result = CliRunner().invoke(cli, ["doctor", "--json", *arguments], standalone_mode=False)
    if result.exception:
        raise result.exception
    record = json.loads(result.stdout)
    assert record["runs"] == (result.return_value == 0)
    checks = [(each["level"], each["topic"], f"{each['found']} {each['advice']}") for each in record["checks"]]
    return Found(result.return_value, checks)


def in_cache(model: Path, name: str, cache: Path) -> Path:
    """Lay a model into the hub's cache as a download does; return the folder of its files."""
    root = cache / f"models--{name.replace('/', '--')}"
    (root / "refs").mkdir(parents=True)
    (root / "refs" / "main").write_text("c0ffee")
    return shutil.copytree(model, root / "snapshots" / "c0ffee")


def test_the_embedded_profile_runs_here() -> None:
    found = doctor()
    assert (found.code, found.fails()) == (0, [])
    assert {"Python", "libraries", "plugins", "model", "memory", "adapter", "detector", "cache", "metric"} <= {
        topic for _, topic, _ in found.checks
    }
    assert "0.27 billion parameters" in found.said("memory")


def test_llama3_that_is_not_in_the_cache_fails_and_says_what_to_do() -> None:
    found = doctor("llama3")
    assert (found.code, found.fails()) == (1, ["model"])
    assert "gnb doctor --online llama3" in found.said("model")
    assert f"hf download {LLAMA3}" in found.said("model")
    assert "hf auth login" in found.said("token")
    assert "gnb train --profile llama3 --to my-adapter" in found.said("adapter")
    assert found.levels("adapter") == ["warning"]
    assert "not known before it is there" in found.said("memory")


def test_a_model_of_the_cache_is_found_and_measured_without_the_network(tiny_model: Path, tmp_path: Path) -> None:
    in_cache(tiny_model, LLAMA3, tmp_path / "hub")
    found = doctor("llama3")
    assert (found.code, found.fails()) == (0, [])
    assert found.levels("model") == found.levels("memory") == ["ok"]


def test_a_model_of_the_cache_that_lacks_a_part_of_its_weights_is_not_there(tiny_model: Path, tmp_path: Path) -> None:
    folder = in_cache(tiny_model, LLAMA3, tmp_path / "hub")
    index = {"weight_map": {"a": "model.safetensors", "b": "model-2.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert doctor("llama3").fails() == ["model"]


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        ("missing", "There is no model folder or GGUF file"),
        ("config", "holds no config.json"),
        ("tokenizer", "holds no tokenizer"),
        ("weights", "lacks weights"),
        ("pickled", "pytorch_model.bin is pickled, which is refused"),
        ("settings", "generation_config.json is damaged"),
    ],
)
def test_a_model_folder_that_cannot_be_used_is_told(
    tiny_model: Path, tmp_path: Path, broken: str, expected: str
) -> None:
    folder = tmp_path / "model"
    if broken != "missing":
        shutil.copytree(tiny_model, folder)
        names = {"config": "config.json", "tokenizer": "tokenizer*", "settings": ""}
        for file in folder.glob(names.get(broken, "*.safetensors") or "none"):
            file.unlink()
    if broken == "settings":
        (folder / "generation_config.json").write_text("[]")
    if broken == "pickled":
        (folder / "pytorch_model.bin").write_bytes(b"")
    (tmp_path / "gnb.toml").write_text(f'[profiles.mine.model]\nbase_model = "{folder}"\n')
    found = doctor("mine", "-r", "base")
    assert found.code == 1
    assert "model" in found.fails()
    assert expected in found.said("model")


@pytest.mark.parametrize("name", ["no_such_file.gguf", "./nowhere", "a/b/c", "nonsense"])
def test_a_name_that_no_model_goes_by_fails_once(name: str) -> None:
    found = doctor("-r", "base", "-o", f"base.base_model={name}")
    assert (found.code, found.fails()) == (1, ["model"])
    assert "There is no model folder or GGUF file" in found.said("model")


def test_an_adapter_and_a_detector_of_another_base_model_fail(
    tiny_model: Path, tiny_adapter: Path, tiny_detector: Path, tmp_path: Path
) -> None:
    shutil.copytree(tiny_model, tmp_path / "other")
    adapter = shutil.copytree(tiny_adapter, tmp_path / "adapter")
    (adapter / "gnb.json").write_text(json.dumps({"base_model": tiny_model.name}))
    model = f'base_model = "{tmp_path / "other"}"\nadapter = "{adapter}"\ndetector = "{tiny_detector}"\n'
    (tmp_path / "gnb.toml").write_text(f"[profiles.mine.model]\n{model}")
    found = doctor("mine")
    assert (found.code, found.fails()) == (1, ["adapter", "detector"])
    assert f"was made for {tiny_model.name}, not for other" in found.said("adapter")
    assert doctor("mine", "-o", f"lora.base_model={tiny_model}", "-o", f"base.base_model={tiny_model}").fails() == []


@pytest.mark.parametrize(("option", "topic"), [("adapter", "adapter"), ("detector", "adapter")])
def test_an_adapter_or_detector_that_is_not_there_fails(option: str, topic: str) -> None:
    found = doctor("-o", f"lora.{option}=./nowhere")
    assert (found.code, found.fails()) == (1, [topic])
    assert f"There is no {option} in 'nowhere'" in found.said(topic)


def test_an_adapter_that_is_not_there_hides_no_other() -> None:
    found = doctor("-r", "a=lora,b=lora", "-o", "a.adapter=./nowhere", "-o", "b.adapter=./elsewhere")
    assert (found.levels("adapter"), found.levels("detector")) == (["fails", "fails"], ["ok"])


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
def test_a_damaged_configuration_is_named(tiny_model: Path, tmp_path: Path, name: str) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    (folder / name).write_text("[1]")
    found = doctor("-r", "base", "-o", "base.template=chat", "-o", f"base.base_model={folder}")
    assert f"{folder / name} is damaged: it holds no JSON object." in str(found.checks)
    assert "pip install" not in found.said("memory") + found.said("template")


def test_the_note_of_an_adapter_does_nothing_to_the_terminal(
    tiny_adapter: Path, tmp_path: Path, workplace: Workplace
) -> None:
    adapter = shutil.copytree(tiny_adapter, tmp_path / "adapter")
    (adapter / "gnb.json").write_text(json.dumps({"base_model": "a\x1b[35mb\u202e"}))
    arguments = ("doctor", "-o", f"lora.adapter={adapter}")
    out, _ = workplace.run(*arguments, code=1)
    for shown in (out, workplace.on_terminal(100, *arguments)):
        assert "made for a\\x1b[35mb\\u202e" in shown
        assert "\x1b[35m" not in shown


def test_a_chat_template_that_is_not_there_fails(tiny_model: Path, tmp_path: Path) -> None:
    chat = build_tiny_chat_model(tmp_path / "chat")
    options = ("-r", "base", "-o", "base.template=chat", "-o")
    assert doctor(*options, f"base.base_model={chat}").fails() == []
    found = doctor(*options, f"base.base_model={tiny_model}")
    assert (found.code, found.fails()) == (1, ["template"])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["base.prompt=no-such-file.md"], "{text}"),
        (["base.template=chat", "base.prompt=no-such-file.md"], "no-such-file.md"),
        (["base.template=chat"], "chat template"),
    ],
)
def test_a_prompt_or_template_that_cannot_be_asked_with_fails(
    tmp_path: Path, options: list[str], expected: str
) -> None:
    chat = build_tiny_chat_model(tmp_path / "chat", template="{% if %}")
    found = doctor("-r", "base", *(part for option in (f"base.base_model={chat}", *options) for part in ("-o", option)))
    assert (found.code, found.fails()) == (1, ["template"])
    assert expected in found.said("template")


def test_a_key_is_needed_where_gpt_is_used_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor().levels("key") == ["warning"]
    found = doctor("-r", "gpt")
    assert (found.code, found.fails()) == (1, ["key"])
    assert "OPENAI_API_KEY" in found.said("key")
    assert doctor("-r", "gpt", "-o", "gpt.base_url=http://localhost:8000/v1").code == 0
    found = doctor("-r", "gpt", "-o", f"gpt.api_key_env={KEY}")
    assert "NAME of an environment variable" in found.said("key")
    assert KEY not in str(found.checks)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    found = doctor("-r", "gpt")
    assert (found.code, found.levels("key")) == (0, ["ok"])
    assert KEY not in str(found.checks)
    monkeypatch.setenv("OPENAI_API_KEY", f"{KEY} and more")
    found = doctor("-r", "gpt")
    assert found.fails() == ["key"]
    assert KEY not in str(found.checks)


def test_a_wrong_name_is_told_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"There is no profile 'lama3'\. Did you mean 'llama3'"):
        doctor("lama3")
    assert "Did you mean 'lora'" in doctor("-r", "lara").said("settings")
    with pytest.raises(GnbError, match=r"write LABEL\.OPTION=VALUE"):
        doctor("-o", "threshold")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("profile = ", "gnb.toml: is not valid TOML"),
        ("[profile.mine]\n", "gnb.toml"),
        ("[rewriters.lora]\nthreshhold = 1\n", "has no option 'threshhold'. Did you mean 'threshold'"),
        ('[rewriters.lora]\nthreshold = "high"\n', "option 'threshold'"),
        ('[profiles.embedded.model]\nquantisation = "3bit"\n', "option 'quantisation'"),
    ],
)
def test_a_wrong_settings_file_fails_and_hides_no_other_check(tmp_path: Path, content: str, expected: str) -> None:
    (tmp_path / "gnb.toml").write_text(content)
    found = doctor()
    assert found.code == 1
    assert expected in "\n".join(text for _, _, text in found.checks)
    assert {"Python", "libraries", "cache", "metric"} <= {topic for level, topic, _ in found.checks if level == "ok"}


def test_a_cache_that_cannot_be_written_to_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GNB_CACHE", str(tmp_path / "file" / "gnb"))
    found = doctor()
    assert (found.code, found.fails()) == (1, ["cache"])
    assert "GNB_CACHE" in found.said("cache")


@pytest.mark.parametrize("option", ["device", "device_map"])
def test_a_device_that_is_not_there_fails(option: str) -> None:
    found = doctor("-r", "base", "-o", f"base.{option}=banana")
    assert (found.code, found.fails()) == (1, ["device"])
    assert "There is no device 'banana' here" in found.said("device")


def run(folder: Path, code: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `gnb doctor` in a process of its own, after some code."""
    program = f"import sys\n{code}\nsys.argv = ['gnb', 'doctor', *{arguments!r}]\nfrom gnb.cli.main import main\nmain()"
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env={**os.environ, "HF_HOME": str(folder), **environment},
        encoding="utf-8",
        capture_output=True,
        check=False,
    )


def test_what_is_not_installed_fails_with_the_command_that_installs_it(tmp_path: Path) -> None:
    gone = "sys.modules.update(dict.fromkeys(('peft', 'bert_score', 'bitsandbytes', 'huggingface_hub')))"
    done = run(tmp_path, gone, "llama3", HF_TOKEN=KEY)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert done.returncode == 1, done.stderr
    assert ["fails", "extras", "rewriter 'lora' needs peft", "Run: pip install 'gnb[local]'"] in rows
    assert ["warning", "extras", "metric 'bertscore' needs bert_score", "Run: pip install 'gnb[local]'"] in rows
    assert ["fails", "extras", "quantisation needs bitsandbytes", "Run: pip install 'gnb[quantised]'"] in rows
    assert "Traceback" not in done.stdout + done.stderr
    assert KEY not in done.stdout + done.stderr


def test_an_engine_that_is_not_installed_fails_with_the_command_that_installs_it(tmp_path: Path) -> None:
    done = run(tmp_path, "sys.modules.update(vllm=None)", "embedded", "-o", "lora.engine=vllm")
    (row,) = [line for line in done.stdout.splitlines() if line.startswith("fails")]
    assert "pip install 'gnb[vllm]'" in row
    assert done.returncode == 1, done.stderr


def test_a_broken_library_fails_its_own_checks_alone(tmp_path: Path) -> None:
    (tmp_path / "site" / "torch").mkdir(parents=True)
    (tmp_path / "site" / "torch" / "__init__.py").write_text("raise OSError('libcudart.so.12: cannot open')")
    done = run(tmp_path, "", "llama3", PYTHONPATH=str(tmp_path / "site"))
    assert done.returncode == 1
    assert "fails\tGPU\tcannot be checked: OSError: libcudart.so.12: cannot open\t" in done.stdout
    assert "ok\tPython" in done.stdout
    assert done.stderr == "Profile llama3 cannot run here: 3 of 14 checks fail.\n"


def test_a_broken_plugin_is_a_warning(tmp_path: Path) -> None:
    info = tmp_path / "site" / "worse-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: worse\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[gnb]\nworse = no_such_module:plugin\n")
    done = run(tmp_path, "", PYTHONPATH=str(tmp_path / "site"))
    assert done.returncode == 0
    assert "warning\tplugin\t'worse' of worse 1.0 cannot be imported" in done.stdout


def test_on_a_terminal_advice_stands_below_what_was_found(workplace: Workplace) -> None:
    shown = workplace.on_terminal(100, "doctor")
    assert "\t" not in shown
    assert "Profile embedded can run here." in shown
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert plain.splitlines()[0].split()[:2] == ["ok", "settings"]
    assert re.search(r"only gpt needs it *\n +Put it there: read -rs OPENAI_API_KEY", plain)


# --- sizes


def test_the_size_of_llama_3_is_reckoned_from_its_configuration(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(LLAMA3_CONFIG))
    size = size_of(tmp_path)
    assert size == Size(8_030_261_248, 2 * 128256 * 4096, 65536)  # the parameters that its model card names
    needed = {
        kind: size.needed(ModelOptions(quantisation=kind), tokens=3072, width=2) / 1e9
        for kind in ("none", "8bit", "4bit")
    }
    assert 17 < needed["none"] < 20
    assert 9 < needed["8bit"] < 12
    assert 6 < needed["4bit"] < 8


def test_the_size_of_a_model_that_is_there_is_that_of_its_tensors(tiny_model: Path) -> None:
    from gnb.models.loading import load_model

    model = load_model(ModelOptions(base_model=str(tiny_model))).model
    found = size_of(tiny_model)
    assert found
    assert found.parameters == sum(each.numel() for each in model.parameters())


def test_a_model_that_fits_nowhere_fails(tiny_model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    (folder / "model.safetensors").unlink()
    huge = {"huge": {"dtype": "BF16", "shape": [2**20, 2**20], "data_offsets": [0, 2**41]}}
    header = json.dumps(huge).encode()
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    os.truncate(folder / "model.safetensors", 8 + len(header) + 2**41)  # a sparse file, which takes no room
    found = doctor("-r", "base", "-o", f"base.base_model={folder}")
    assert (found.code, found.fails()) == (1, ["memory"])
    assert 'set quantisation to "8bit" or "4bit"' in found.said("memory").lower()


@pytest.mark.parametrize(("device", "level"), [("cuda", "fails"), ("cuda:0", "fails"), ("cuda:1", "ok")])
def test_memory_is_that_of_the_gpu_that_the_device_names(
    device: str, level: str, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cards = [("small", Memory(1000, 1000)), ("large", Memory(10**12, 10**12))]  # no test machine has two
    monkeypatch.setattr("gnb.doctor.models.gpus", lambda case: cards)
    found = doctor("-r", "base", "-o", f"base.base_model={tiny_model}", "-o", f"base.device={device}")
    assert found.levels("memory") == [level]


def test_a_gpu_beyond_those_that_there_are_fails(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cards = [("one", Memory(10**12, 10**12))]
    for module in ("machine", "models"):
        monkeypatch.setattr(f"gnb.doctor.{module}.gpus", lambda case: cards)
    found = doctor("-r", "base", "-o", f"base.base_model={tiny_model}", "-o", "base.device=cuda:99")
    assert found.fails() == ["device"]
    assert "There is no device 'cuda:99' here" in found.said("device")


@pytest.mark.parametrize("content", [b"", b"\xff" * 100, b"\x02\0\0\0\0\0\0\0[]"])
def test_a_damaged_weight_file_is_told_without_a_traceback(tiny_model: Path, tmp_path: Path, content: bytes) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    (folder / "model.safetensors").write_bytes(content)
    found = doctor("-r", "base", "-o", f"base.base_model={folder}")
    assert found.fails() == ["memory"]
    assert "is damaged, or no safetensors file" in found.said("memory")


def test_a_weight_file_that_was_not_copied_to_its_end_is_told(tiny_model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    os.truncate(folder / "model.safetensors", 20_000)
    found = doctor("-r", "base", "-o", f"base.base_model={folder}")
    assert found.fails() == ["memory"]
    assert "it lacks a part" in found.said("memory")


# --- the hub


@dataclass
class Hub:
    """A hub on loopback that answers every request for a model's files in one way."""

    status: int = 200
    code: str = ""
    url: str = ""
    size: int = 100_000_000
    paths: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    answer = Hub()

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.reply(b"")

        def do_GET(self) -> None:
            files = [{"rfilename": "model.safetensors", "size": answer.size}]
            self.reply(json.dumps({"id": LLAMA3, "siblings": files}).encode())

        def reply(self, body: bytes) -> None:
            answer.paths.append(self.path)
            answer.tokens.add(self.headers.get("Authorization", ""))
            self.send_response(answer.status)
            if answer.code:
                self.send_header("X-Error-Code", answer.code)
                self.send_header("X-Error-Message", answer.code)
            for name, value in {"ETag": '"1"', "X-Repo-Commit": "c0ffee", "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    ask_at(monkeypatch, f"http://127.0.0.1:{server.server_port}")
    # what a process of its own reads once gnb has imported the client; here others may have imported it before
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY", True)
    answer.url = f"http://127.0.0.1:{server.server_port}"
    yield answer
    server.shutdown()
    server.server_close()


def test_nothing_is_asked_without_online(hub: Hub) -> None:
    assert doctor("llama3").code == 1
    assert hub.paths == []


def test_a_model_that_may_be_fetched_is_a_warning_with_its_size(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", KEY)
    found = doctor("--online", "llama3")
    assert (found.code, found.levels("hub"), found.levels("model")) == (0, ["ok"], ["warning"])
    assert "the first run fetches 0.1 GB" in found.said("model")
    assert hub.tokens == {f"Bearer {KEY}"}
    assert KEY not in str(found.checks)


def test_only_what_is_asked_about_is_asked(hub: Hub, tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "HF_ENDPOINT": hub.url}
    command = [sys.executable, "-m", "gnb", "doctor", "--online", "llama3"]
    subprocess.run(command, env=environment, cwd=tmp_path, check=False, capture_output=True, timeout=300)
    assert hub.paths
    assert [path for path in hub.paths if "/Meta-Llama-3-8B" not in path] == []


def test_a_model_that_does_not_fit_onto_the_disk_fails(hub: Hub) -> None:
    hub.size = 10**18
    found = doctor("--online", "llama3")
    assert (found.code, found.fails()) == (1, ["cache"])
    assert "1000000000.0 GB needed" in found.said("cache")


@pytest.mark.parametrize(
    ("status", "code", "token", "expected"),
    [
        (401, "GatedRepo", "", f"accept its licence at https://huggingface.co/{LLAMA3}, make a token"),
        (403, "GatedRepo", KEY, f"accept its licence at https://huggingface.co/{LLAMA3} and wait"),
        (401, "", KEY, "the token is refused (401)"),
        (403, "", KEY, "the token does not allow it (403)"),
        (404, "RepoNotFound", "", "there is no such model, or it is private"),
        (404, "RevisionNotFound", "", "it has no such revision"),
        (404, "EntryNotFound", "", "has no config.json"),
        (500, "", "", "the hub is in trouble (500)"),
        (503, "", "", "the hub is in trouble (503)"),
    ],
)
def test_what_the_hub_refuses_is_told_with_what_to_do(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, status: int, code: str, token: str, expected: str
) -> None:
    hub.status, hub.code = status, code
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    found = doctor("--online", "llama3", "-r", "base")
    assert (found.code, found.fails()) == (1, ["hub", "model"])
    assert expected in found.said("hub")
    assert KEY not in str(found.checks)


def test_a_hub_that_nobody_answers_for_is_told() -> None:
    found = doctor("--online", "llama3", "-r", "base")
    assert (found.code, found.fails()) == (1, ["hub", "model"])
    assert "127.0.0.1:9: no connection" in found.said("hub")


def test_a_malformed_address_of_the_hub_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    ask_at(monkeypatch, "somebody:secret@mirror.example")
    found = doctor("--online", "llama3", "-r", "base")
    assert (found.code, found.fails()) == (1, ["hub", "model"])
    assert found.said("hub").startswith("HF_ENDPOINT is no address")
    assert "secret" not in str(found.checks)


def test_a_cached_model_runs_though_the_hub_is_away(tiny_model: Path, tmp_path: Path) -> None:
    in_cache(tiny_model, LLAMA3, tmp_path / "hub")
    found = doctor("--online", "llama3", "-r", "base")
    assert (found.code, found.levels("hub")) == (0, ["warning"])
