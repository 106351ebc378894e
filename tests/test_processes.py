"""`gnb train` in several processes: with DDP and FSDP the same steps as in one, and what comes of a killed one."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from training_bench import Bench

from gnb.core.errors import SettingsError
from gnb.core.records import Example
from gnb.models.adapters import attach_adapter
from gnb.models.loading import load_model
from gnb.sources.bundled import BundledOptions, BundledSource
from gnb.training.batches import Batches
from gnb.training.data import select_data
from gnb.training.items import Item
from gnb.training.job import CHECKPOINTS
from gnb.training.options import TrainingOptions

# 14 texts in batches of 3: an epoch's last step has two, and a second process no share of its third row
OPTIONS = {"epochs": 6, "batch_size": 3, "evaluations": 1, "dropout": 0.0, "context_length": 512}
TOLERANCE = 1e-5
"""Relative, of losses: the processes add up the same numbers in another order."""
FSDP = {
    "ACCELERATE_USE_FSDP": "true",
    "FSDP_VERSION": "2",
    "FSDP_AUTO_WRAP_POLICY": "TRANSFORMER_BASED_WRAP",
}


@pytest.fixture(scope="module")
def texts() -> list[Example]:
    found = [
        example for example in BundledSource(BundledOptions()).read(print) if example.references and example.biased
    ]
    splits = ["train"] * 14 + ["validation"] * 5
    return [
        Example(str(number), found[number].text, found[number].references[:1], biased=True, split=split)
        for number, split in enumerate(splits)
    ]


@pytest.fixture(scope="module")
def bench(tiny_model: Path, texts: list[Example], tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A bench with a run that one process has made."""
    bench = Bench(tiny_model, select_data(texts), tmp_path_factory.mktemp("processes"))
    bench.train("one", **OPTIONS)
    lines = [
        json.dumps(
            {"id": text.id, "text": text.text, "references": text.references, "biased": True, "split": text.split}
        )
        for text in texts
    ]
    (bench.folder / "texts.jsonl").write_text("\n".join(lines), "utf-8")
    return bench


def launch(
    bench: Bench, name: str, script: tuple[str, ...] = ("-m", "gnb"), **environment: str
) -> subprocess.Popen[str]:
    """Start two processes that train what the bench trained in one."""
    options = bench.job(**OPTIONS).options
    pairs = [f"train.{key}={getattr(options, key)}" for key in sorted(options.model_fields_set)]
    arguments = ["train", f"jsonl:{bench.folder / 'texts.jsonl'}", "--to", str(bench.folder / name)]
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    return subprocess.Popen(
        [*launcher, *script, *arguments, *(part for pair in pairs for part in ("-o", pair))],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
    )


def finish(process: subprocess.Popen[str]) -> str:
    output, said = process.communicate()
    assert process.returncode == 0, said
    assert output.count("validation loss") == 1, "both processes speak"
    return said


def assert_same_run(bench: Bench, name: str) -> None:
    ours, theirs = bench.history("one"), bench.history(name)
    for kind in ("train", "validation"):
        assert [entry["step"] for entry in theirs[kind]] == [entry["step"] for entry in ours[kind]]
        assert [entry["loss"] for entry in theirs[kind]] == pytest.approx(
            [entry["loss"] for entry in ours[kind]], rel=TOLERANCE
        )
    cards = [json.loads((bench.folder / each / "gnb.json").read_text("utf-8")) for each in ("one", name)]
    assert cards[0]["run"] == cards[1]["run"]
    assert cards[1]["validation_loss"] == pytest.approx(cards[0]["validation_loss"], rel=TOLERANCE)
    assert cards[1]["parameters"] == cards[0]["parameters"]
    assert not (bench.folder / name / CHECKPOINTS).exists()
    attach_adapter(load_model(bench.job().options), bench.folder / name)


def test_a_killed_process_ends_the_run_and_the_same_command_goes_on_to_the_curve_of_one(bench: Bench) -> None:
    with launch(bench, "two") as process:
        assert process.stderr
        next(line for line in process.stderr if "step 10 of 30" in line)
        workers = psutil.Process(process.pid).children()
        next(worker for worker in workers if worker.environ()["RANK"] == "1").send_signal(signal.SIGKILL)
        said = process.stderr.read()
    assert process.returncode != 0
    assert "Error: Another process of this training has ended (" in said
    assert "The same command goes on from the newest checkpoint." in said
    assert "Traceback" not in said.partition("torch/distributed/elastic")[0]
    said = finish(launch(bench, "two"))
    assert "step 5 of 30" not in said
    assert_same_run(bench, "two")


def test_a_number_of_processes_that_no_launcher_has_started_is_told_in_one_line(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    for name in ("RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SettingsError, match=r"WORLD_SIZE says that 2 .* but RANK is not set\. Start them by torchrun"):
        bench.train("alone", **OPTIONS)


def test_fsdp_learns_what_one_process_does(bench: Bench) -> None:
    finish(launch(bench, "sharded", (str(Path(__file__).with_name("fsdp_on_cpu.py")),), **FSDP))
    assert_same_run(bench, "sharded")


def test_one_process_trains_on_one_of_several_gpus(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from gnb.training.rows import Rows
    from gnb.training.run import _arguments

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", lambda device: None)
    options = TrainingOptions(base_model=str(tiny_model), dtype="float32")
    arguments = _arguments(Rows([()], [], {}), options, tmp_path)
    assert (str(arguments.device), arguments.n_gpu, arguments.train_batch_size) == ("cuda:0", 1, options.batch_size)


@pytest.mark.parametrize("processes", [2, 3, 5])
@pytest.mark.parametrize(("batch_size", "accumulation"), [(4, 1), (1, 4), (2, 3)])
def test_the_shares_of_all_processes_are_the_steps_of_one(processes: int, batch_size: int, accumulation: int) -> None:
    rows = [(Item((0,) * number, 0, (), str(number)),) for number in range(1, 24)]
    settings = {"batch_size": batch_size, "accumulation": accumulation, "group_by_length": True, "seed": 1}
    whole = Batches(rows, **settings)
    shares = [Batches(rows, **settings, process=process, processes=processes) for process in range(processes)]
    passes = -(-accumulation // processes)
    assert {len(list(share)) for share in shares} == {len(shares[0])}
    assert _steps([list(whole)], accumulation) == _steps([list(share) for share in shares], passes)


def _steps(shares: list[list[list[int]]], passes: int) -> list[set[int]]:
    together = [[row for share in at_once for row in share] for at_once in zip(*shares, strict=True)]
    return [
        {row for each in together[start : start + passes] for row in each} for start in range(0, len(together), passes)
    ]
