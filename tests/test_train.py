"""`gnb train` from examples to an adapter folder, and what may go wrong between them."""

import json
import os
import shlex
import signal
import subprocess
import sys
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Literal

import pytest
from commands import write
from training_bench import FILES, Bench, KilledError, contents, kill_at

from gnb.core.errors import InputError, ModelError, SettingsError
from gnb.core.fingerprint import hash_text
from gnb.core.records import Example
from gnb.core.text import comparison_key
from gnb.models.adapters import attach_adapter, training_keys
from gnb.models.loading import load_model
from gnb.sources.bundled import BundledOptions, BundledSource
from gnb.training.checkpoints import claim
from gnb.training.data import TrainingData, select_data
from gnb.training.job import CHECKPOINTS, perform
from gnb.training.options import TrainingOptions


@pytest.fixture(scope="module")
def data() -> TrainingData:
    return select_data(list(BundledSource(BundledOptions()).read(print)), limit=16)


@pytest.fixture
def bench(tiny_model: Path, data: TrainingData, tmp_path: Path) -> Bench:
    return Bench(tiny_model, data, tmp_path)


@pytest.fixture(scope="module")
def trained(tiny_model: Path, data: TrainingData, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A finished run, for tests that only look at it."""
    bench = Bench(tiny_model, data, tmp_path_factory.mktemp("trained"))
    bench.train()
    return bench


def test_the_folder_holds_the_adapter_and_everything_about_it(trained: Bench) -> None:
    assert {path.name for path in (trained.folder / "adapter").iterdir()} == {*FILES, "lexicon.tsv"}


def test_the_loss_falls(trained: Bench) -> None:
    history = trained.history()
    losses = [entry["loss"] for entry in history["validation"]]
    assert losses[-1] < losses[0]
    assert [entry["step"] for entry in history["train"]] == list(range(1, 9))
    assert len(losses) == 4


def test_the_adapter_moves_and_the_base_model_stays(bench: Bench) -> None:
    import torch

    from gnb.training.run import train

    before = contents(bench.model)
    job = bench.job()
    model = train(job.data, job.options, bench.folder / CHECKPOINTS).model
    assert contents(bench.model) == before
    base = load_model(job.options).model.state_dict()
    tuned = model.get_base_model().state_dict()
    for name, weight in base.items():
        found = tuned[name] if name in tuned else tuned[name.replace(".weight", ".base_layer.weight")]
        assert torch.equal(found, weight), name
    assert all(bool(weight.any()) for name, weight in model.named_parameters() if "lora_B" in name)


def test_the_stored_adapter_has_the_validation_loss_that_the_card_says(trained: Bench) -> None:
    import torch

    from gnb.models.running import hidden_states
    from gnb.models.vocabulary import OutputLayer, task_token_ids
    from gnb.training.batches import collate
    from gnb.training.rows import make_rows

    job = trained.job()
    loaded = attach_adapter(load_model(job.options), job.target)
    rows = make_rows(job.data, job.options, loaded.tokenizer)
    layer = OutputLayer(loaded.model, task_token_ids(loaded.tokenizer))
    layer = layer.extended(token for row in (*rows.train, *rows.validation) for item in row for token in item.tokens)
    total, tokens = 0.0, 0
    for row in rows.validation:
        batch = collate([row], 0)
        answer = batch["labels"][0, 1:] != -100
        states = hidden_states(loaded.model, input_ids=batch["input_ids"]).last_hidden_state[0, :-1][answer]
        losses = torch.nn.functional.cross_entropy(
            layer.logits(states), layer.positions(batch["labels"][0, 1:][answer]), reduction="none"
        )
        total += float((losses * batch["weights"][0, 1:][answer]).sum().detach())
        tokens += int(answer.sum())
    card = json.loads((job.target / "gnb.json").read_text("utf-8"))
    assert card["validation_loss"] == pytest.approx(total / tokens, rel=1e-2)
    assert card["validation_loss"] == pytest.approx(trained.history()["validation"][-1]["loss"], rel=1e-3)


def test_peft_loads_the_adapter_by_itself(trained: Bench) -> None:
    from peft import PeftConfig, PeftModel

    folder = trained.folder / "adapter"
    assert PeftConfig.from_pretrained(str(folder)).base_model_name_or_path == trained.model.name
    model = PeftModel.from_pretrained(load_model(trained.job().options).model, str(folder))
    assert any(bool(weight.any()) for name, weight in model.named_parameters() if "lora_B" in name)


def test_the_card_says_data_settings_losses_licence_and_command(trained: Bench) -> None:
    folder = trained.folder / "adapter"
    card, record = (folder / "README.md").read_text("utf-8"), json.loads((folder / "gnb.json").read_text("utf-8"))
    assert record["data"] == trained.data.hash()
    for said in (record["data"], "| learning_rate | `0.005` |", f"{record['validation_loss']:.4f}", record["command"]):
        assert said in card
    assert "terms of the base model" in card
    assert str(trained.folder) not in card


@pytest.mark.parametrize(
    ("base", "name", "notice"),
    [
        ("embedded", "gemma", "subject to the Gemma Terms of Use found at ai.google.dev/gemma/terms"),
        ("meta-llama/Meta-Llama-3-8B", "llama3", "Built with Meta Llama 3"),
    ],
)
def test_the_licence_of_a_known_base_model_is_named(base: str, name: str, notice: str) -> None:
    from gnb.training.card import licence_of

    assert licence_of(base).name == name
    assert notice in licence_of(base).notice


def test_the_texts_seen_are_listed_as_hashes(trained: Bench) -> None:
    texts = [example.text for example in (*trained.data.train, *trained.data.validation)]
    assert training_keys(trained.folder / "adapter") == {hash_text(comparison_key(text)) for text in texts}


def test_the_curves_are_drawn(trained: Bench) -> None:
    folder = trained.folder / "adapter"
    assert (folder / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert "<!-- weighted loss a token (nats) -->" in (folder / "loss.svg").read_text("utf-8")


def test_the_lora_rewriter_takes_the_adapter(trained: Bench) -> None:
    from gnb.rewriters.local.options import LoraOptions
    from gnb.rewriters.lora import LoraRewriter

    options = LoraOptions(base_model=str(trained.model), adapter=str(trained.folder / "adapter"), device="cpu")
    with LoraRewriter(options) as rewriter:
        assert len(list(rewriter.rewrite(["زن باید صبور باشد."]))) == 1


def test_the_same_job_is_not_done_twice(bench: Bench) -> None:
    first = bench.train()
    assert bench.train() == first
    assert bench.seen == []


def test_the_same_job_gives_the_same_adapter_elsewhere(bench: Bench, trained: Bench) -> None:
    bench.train()
    ours, theirs = contents(bench.folder / "adapter"), contents(trained.folder / "adapter")
    assert ours["adapter_model.safetensors"] == theirs["adapter_model.safetensors"]
    assert ours["history.json"] == theirs["history.json"]


def test_another_seed_gives_another_adapter(bench: Bench, trained: Bench) -> None:
    bench.train(seed=1)
    assert bench.losses() != trained.losses()


def test_equal_effective_batches_give_equal_loss_curves(bench: Bench) -> None:
    bench.train("whole", batch_size=4, accumulation=1, dropout=0.0)
    bench.train("parts", batch_size=2, accumulation=2, dropout=0.0)
    assert bench.losses("parts") == pytest.approx(bench.losses("whole"), rel=1e-4)


def test_a_batch_that_goes_through_in_parts_is_learnt_alike(bench: Bench) -> None:
    bench.train("whole", batch_size=4, dropout=0.0)
    bench.train("parts", batch_size=4, dropout=0.0, forward_tokens=60)
    assert bench.losses("parts") == pytest.approx(bench.losses("whole"), rel=1e-4)


def test_the_paper_preset_trains(bench: Bench) -> None:
    from gnb.training.options import preset_values

    bench.train(**preset_values("paper") | {"dropout": "library"})
    rates = [entry["learning_rate"] for entry in bench.history()["train"]]
    assert rates == pytest.approx([2e-4 * 0.85**epoch for epoch in range(3)])
    config = json.loads((bench.folder / "adapter" / "adapter_config.json").read_text("utf-8"))
    assert (config["r"], config["lora_alpha"], config["lora_dropout"]) == (8, 32, 0.0)
    assert config["target_modules"] == ["q_proj", "v_proj"]


def test_a_run_goes_on_from_an_adapter(bench: Bench, trained: Bench) -> None:
    first = trained.folder / "adapter"
    card = bench.train("second", start_from=str(first), epochs=1, learning_rate=1e-6, rank=2)
    assert card["validation_loss"] == pytest.approx(trained.history()["validation"][-1]["loss"], rel=1e-4)
    assert f"from the adapter whose files have the hash `{card['started_from']}`" in (
        bench.folder / "second" / "README.md"
    ).read_text("utf-8")
    assert card["settings"]["rank"] == trained.job().options.rank
    assert contents(first)["training_keys.txt"] == contents(bench.folder / "second")["training_keys.txt"]
    with pytest.raises(InputError, match="an adapter of other data or settings"):
        bench.train("second", epochs=1, learning_rate=1e-6, rank=2)


def test_a_run_goes_on_from_no_adapter_of_another_task(bench: Bench, tiny_detector: Path) -> None:
    with pytest.raises(ModelError, match="has learnt the task 'detect', so a run of 'rewrite' cannot go on from it"):
        bench.train(start_from=str(tiny_detector))


@pytest.mark.parametrize(("task", "folder"), [("rewrite", "adapter"), ("detect", "detector")])
def test_a_run_can_go_on_from_what_ships_for_its_task(task: Literal["rewrite", "detect"], folder: str) -> None:
    start = TrainingOptions(task=task, start_from="embedded").start_folder()
    assert start == Path(str(resources.files("gnb"))) / "data" / folder


@pytest.mark.parametrize("step", [1, 3, 5, 8])
def test_a_run_that_died_goes_on_and_has_the_curve_of_an_unbroken_one(bench: Bench, trained: Bench, step: int) -> None:
    with pytest.raises(KilledError):
        perform(bench.job(), watch=kill_at(step))
    card = bench.train()
    assert bench.history() == trained.history()
    assert card["validation_loss"] == pytest.approx(
        json.loads((trained.folder / "adapter" / "gnb.json").read_text("utf-8"))["validation_loss"]
    )


def test_a_checkpoint_that_was_cut_short_is_passed_over(bench: Bench, trained: Bench) -> None:
    with pytest.raises(KilledError):
        perform(bench.job(), watch=kill_at(5))
    broken = bench.folder / "adapter" / CHECKPOINTS / "checkpoint-5"
    broken.mkdir()
    (broken / "trainer_state.json").write_text('{"global_step"', "utf-8")
    bench.train()
    assert bench.history() == trained.history()


def test_checkpoints_of_other_settings_are_refused_and_named(bench: Bench) -> None:
    with pytest.raises(KilledError):
        perform(bench.job(), watch=kill_at(5))
    with pytest.raises(SettingsError, match=r"checkpoints of another run, with other learning_rate.*--restart"):
        bench.train(learning_rate=1e-3)
    bench.train(restart=True, learning_rate=1e-3)
    assert bench.seen[0].step == 1


def test_a_restart_over_a_finished_adapter_can_be_gone_on_with(bench: Bench) -> None:
    bench.train()
    with pytest.raises(KilledError):
        perform(bench.job(seed=7), restart=True, watch=kill_at(5))
    bench.train(seed=7)
    assert bench.seen[0].step > 1


@pytest.mark.parametrize("content", ['{"base": ', "[1]", "[" * 100_000])
def test_a_damaged_note_of_the_run_is_told_in_one_line(bench: Bench, content: str) -> None:
    with pytest.raises(KilledError):
        perform(bench.job(), watch=kill_at(5))
    (bench.folder / "adapter" / CHECKPOINTS / "run.json").write_text(content, "utf-8")
    with pytest.raises(SettingsError, match=r"run\.json is missing or damaged .*--restart"):
        bench.train()


def test_checkpoints_without_a_note_of_the_run_are_refused(bench: Bench) -> None:
    with pytest.raises(KilledError):
        perform(bench.job(), watch=kill_at(5))
    checkpoints = bench.folder / "adapter" / CHECKPOINTS
    (checkpoints / "run.json").unlink()
    with pytest.raises(SettingsError, match=r"run\.json is missing .* nobody can tell whose .*--restart"):
        claim(checkpoints, bench.job().identity())


def test_an_adapter_without_weights_is_trained_again(bench: Bench) -> None:
    bench.train()
    weights = bench.folder / "adapter" / "adapter_model.safetensors"
    weights.unlink()
    bench.train()
    assert weights.is_file()


def test_training_stops_when_the_validation_loss_gets_no_better(bench: Bench) -> None:
    # steps too small to change a weight that is not zero: no evaluation is better than the first
    card = bench.train(epochs=10, learning_rate=1e-30, schedule="constant", warmup=0.0, patience=2, keep="best")
    validation = bench.history()["validation"]
    assert [entry["step"] for entry in validation] == [2, 4, 6]
    assert (card["best_step"], card["kept_step"], card["steps"]) == (2, 2, 6)
    assert card["validation_loss"] == pytest.approx(validation[0]["loss"])


def test_a_run_that_died_after_it_had_stopped_early_is_not_trained_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KilledError

    options = {"epochs": 10, "learning_rate": 1e-30, "schedule": "constant", "warmup": 0.0, "patience": 2}
    bench.train("unbroken", **options)
    with monkeypatch.context() as patched:
        patched.setattr("gnb.training.output.write_folder", die)
        with pytest.raises(KilledError):
            bench.train(**options)
    bench.train(**options)
    assert bench.history() == bench.history("unbroken")
    assert bench.history()["train"][-1]["step"] == 6
    ours, theirs = contents(bench.folder / "adapter"), contents(bench.folder / "unbroken")
    assert ours["adapter_model.safetensors"] == theirs["adapter_model.safetensors"]


def test_a_run_whose_loss_is_no_number_leaves_no_adapter_and_says_what_to_do(bench: Bench) -> None:
    # float16 has no numbers above 65504
    with pytest.raises(ModelError, match=r"diverged.*Lower the learning rate .*, here 1\.0\) and add --restart"):
        bench.train(dtype="float16", learning_rate=1.0, warmup=0.0)
    assert contents(bench.folder / "adapter") == {}


def test_one_text_is_enough_to_train(bench: Bench) -> None:
    bench.data = select_data([Example("1", "زن باید صبور باشد.", ("آدم باید صبور باشد.",))])
    card = bench.train()
    assert (card["counts"]["train"], card["validation_loss"], card["steps"]) == (1, None, 2)
    assert "no validation items" in (bench.folder / "adapter" / "README.md").read_text("utf-8")


def test_texts_that_are_all_too_long_are_refused(bench: Bench) -> None:
    with pytest.raises(InputError, match=r"None of the 16 .* 16 are longer than the context of 64 tokens"):
        bench.train(context_length=64)


def test_texts_that_are_all_blank_are_not_called_too_long(bench: Bench) -> None:
    bench.data = select_data([Example("1", "زن باید صبور باشد.", (" ",))])
    with pytest.raises(InputError, match=r"None of the 1 .* 1 have a blank text or reference, and 0 are longer"):
        bench.train()


def test_layers_that_do_not_exist_are_refused(bench: Bench) -> None:
    with pytest.raises(SettingsError, match=r"does not fit the model.*no_such_layer"):
        bench.train(target_modules="no_such_layer")


def test_a_restart_that_cannot_begin_leaves_the_finished_adapter_whole(bench: Bench) -> None:
    bench.train()
    before = contents(bench.folder / "adapter")
    with pytest.raises(SettingsError, match="no_such_layer"):
        bench.train(restart=True, target_modules="no_such_layer")
    assert contents(bench.folder / "adapter") == before


def test_a_folder_with_something_else_in_it_is_refused(bench: Bench) -> None:
    target = bench.folder / "adapter"
    target.mkdir()
    (target / "thesis.doc").write_text("years of work", "utf-8")
    with pytest.raises(InputError, match=r"holds something else \(thesis.doc\)"):
        bench.train()
    assert contents(target) == {"thesis.doc": b"years of work"}


@pytest.mark.parametrize("name", ["README.md", "NOTICE", "adapter_config.json", "checkpoints/checkpoint-9/weights"])
@pytest.mark.parametrize("restart", [False, True])
def test_files_that_no_run_of_gnb_has_left_are_not_overwritten(bench: Bench, name: str, restart: bool) -> None:
    file = bench.folder / "adapter" / name
    file.parent.mkdir(parents=True)
    file.write_text("years of work", "utf-8")
    with pytest.raises(InputError, match=rf"holds something else \({name.partition('/')[0]}\)"):
        bench.train(restart=restart)
    assert [path for path in (bench.folder / "adapter").rglob("*") if path.is_file()] == [file]
    assert file.read_text("utf-8") == "years of work"


def test_another_adapter_is_never_overwritten_unasked(bench: Bench, trained: Bench) -> None:
    before = contents(trained.folder / "adapter")
    job = replace(bench.job(seed=7), target=trained.folder / "adapter")
    with pytest.raises(InputError, match="adapter of other data or settings"):
        perform(job)
    assert contents(trained.folder / "adapter") == before


def test_a_base_model_that_is_not_there_is_refused_with_what_helps(bench: Bench) -> None:
    bench.model = bench.folder / "nowhere"
    with pytest.raises(ModelError, match="There is no model folder"):
        bench.train()
    assert not (bench.folder / "adapter").exists()


def gnb(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "gnb", "train", *map(str, arguments)]


def tiny_arguments(bench: Bench, name: str) -> list[str]:
    options = bench.job().options
    pairs = [f"train.{key}={getattr(options, key)}" for key in sorted(options.model_fields_set)]
    return gnb("--to", bench.folder / name, "--limit", 16, *(part for pair in pairs for part in ("-o", pair)))


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, encoding="utf-8", capture_output=True, check=False)


@pytest.mark.parametrize(("kill", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, 130)])
def test_a_killed_process_loses_no_finished_work(bench: Bench, trained: Bench, kill: signal.Signals, code: int) -> None:
    command = tiny_arguments(bench, "adapter")
    with subprocess.Popen(command, stderr=subprocess.PIPE, encoding="utf-8") as process:
        assert process.stderr
        said = (line for line in process.stderr if "validation loss" in line)
        assert ["step 2 of 8" in next(said), "step 4 of 8" in next(said)] == [True, True]
        process.send_signal(kill)
        rest = process.stderr.read()
    assert process.returncode == code, rest
    assert kill is signal.SIGKILL or "the same command goes on from there" in rest
    again = run([*command, "--json"])
    assert again.returncode == 0, again.stderr
    assert "step 2 of 8" not in again.stderr
    assert bench.history() == trained.history()
    assert json.loads(again.stdout)["data"] == trained.data.hash()


def test_a_dry_run_says_what_would_be_done_and_does_nothing(bench: Bench) -> None:
    done = run([*tiny_arguments(bench, "adapter"), "--preset", "paper", "--dry-run", "--json"])
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    assert (plan["train"], plan["too_long"], plan["packing"], plan["rank"]) == (16, 0, 1024, 4)
    assert plan["train_tokens"] > 1000
    assert not (bench.folder / "adapter").exists()


def test_a_dry_run_of_a_detector_shows_nothing_about_answers(bench: Bench) -> None:
    done = run([*tiny_arguments(bench, "adapter"), "--task", "detect", "--dry-run", "--json"])
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    assert plan["task"] == "detect"
    assert not {"prompt", "references", "change_weight"} & plan.keys()


def test_texts_that_are_left_out_and_a_validation_part_without_texts_are_told(bench: Bench) -> None:
    references = {"مرد باش!": ["قوی باش!"], "مثل مرد حرف بزن.": [], "زن باید صبور باشد.": []}
    texts = [{"text": text, "references": found, "split": "train"} for text, found in references.items()]
    write(bench.folder / "p.jsonl", *texts)
    arguments = [*tiny_arguments(bench, "adapter"), f"jsonl:{bench.folder / 'p.jsonl'}", "--dry-run"]
    done = run(arguments)
    assert done.returncode == 0, done.stderr
    assert "\ntrain\t1\nvalidation\t0\n" in done.stdout
    assert "\nunusable\t2\n" in done.stdout
    assert "No text is for validation: nothing tells how well the run learns, or when to stop.\n" in done.stderr


@pytest.mark.parametrize(("task", "kind"), [("rewrite", "adapter"), ("detect", "detector")])
def test_a_dry_run_refuses_to_go_on_from_what_is_not_there(tmp_path: Path, task: str, kind: str) -> None:
    lost = tmp_path / "lost"
    done = run(gnb("--to", tmp_path / "new", "--task", task, "-o", f"train.start_from={lost}", "--dry-run"))
    assert done.returncode == 2
    assert f"There is no {kind} in '{lost}'" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_dry_run_refuses_a_folder_that_no_adapter_can_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run(gnb("bundled:k", "--to", tmp_path / "file" / "new", "--dry-run"))
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{tmp_path / 'file'} is a file; --to names the folder of the adapter." in done.stderr


def test_a_dry_run_shows_the_whole_published_recipe_even_without_the_model(tmp_path: Path) -> None:
    command = gnb("--to", tmp_path / "adapter", "--preset", "paper", "--profile", "llama3", "--dry-run", "--json")
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    done = subprocess.run(command, encoding="utf-8", capture_output=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert "Without the tokenizer nothing can be counted" in done.stderr
    recipe = {
        "base_model": "meta-llama/Meta-Llama-3-8B",
        "quantisation": "8bit",
        "optimiser": "AdamW",
        "epochs": 3,
        "learning_rate": 2e-4,
        "schedule": "step",
        "gamma": 0.85,
        "warmup": 0.0,
        "weight_decay": 0.0,
        "max_grad_norm": 0.0,
        "batch_size": 1,
        "accumulation": 4,
        "packing": 1024,
        "gradient_checkpointing": True,
        "rank": 8,
        "alpha": 32,
        "target_modules": "q_proj,v_proj",
        "output_layer": "full",
        "change_weight": 1.0,
    }
    assert json.loads(done.stdout).items() >= recipe.items()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--preset", "papre"], "There is no training preset 'papre'. Did you mean 'paper'?"),
        (["-o", "train.epoch=3"], "gnb train has no option 'epoch'. Did you mean 'epochs'?"),
        (["-o", "train.epochs=0"], "option 'epochs': Input should be greater than or equal to 1"),
        (["-o", "trian.epochs=1"], "nothing here is called 'trian'. Did you mean 'train'?"),
        (["bundeld"], "There is no source 'bundeld'. Did you mean 'bundled'?"),
        (["-o", "train.device=cuda:1"], "option 'device': a process trains on the first GPU that it sees"),
        (["-o", "train.task=detect"], "Error: The settings are for the task 'detect': add --task detect."),
        (["--preset", "detect"], "Error: The settings are for the task 'detect': add --task detect."),
        (["--trainer", "llama-recipes"], "The trainer llama-recipes needs schedule = step, "),
        (["-o", "train.prompt=nothing"], "The prompt template must hold {text} exactly once"),
    ],
)
def test_mistakes_are_named_in_one_line(tmp_path: Path, arguments: list[str], message: str) -> None:
    done = run(gnb("--to", tmp_path / "adapter", "--dry-run", *arguments))
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_settings_come_from_preset_then_file_then_command_line(tmp_path: Path) -> None:
    config = tmp_path / "gnb.toml"
    config.write_text("[train]\nrank = 2\nalpha = 3\n", "utf-8")
    arguments = ("--config", config, "--preset", "paper", "-o", "train.alpha=5", "--dry-run", "--json")
    done = run(gnb("--to", tmp_path / "adapter", *arguments))
    plan = json.loads(done.stdout)
    assert (plan["rank"], plan["alpha"], plan["packing"]) == (2, 5, 1024)


def test_the_command_of_the_card_learns_the_same_texts_with_the_same_settings(bench: Bench) -> None:
    texts = bench.folder / "texts.csv"
    texts.write_text("body,neutral\nزن باید صبور باشد.,آدم باید صبور باشد.\nمثل مرد حرف بزن.,محکم حرف بزن.\n", "utf-8")
    options = ["-o", "csv.text=body", "-o", "csv.references=neutral", "-o", 'train.revision="123"']
    done = run([*tiny_arguments(bench, "adapter"), f"csv:{texts}", *options])
    assert done.returncode == 0, done.stderr
    card = json.loads((bench.folder / "adapter" / "gnb.json").read_text("utf-8"))
    words = shlex.split(card["command"])[2:]
    assert f"csv.path={texts}" not in words
    again = run([*gnb(*words), "--to", str(bench.folder / "again"), "--dry-run", "--json"])
    assert again.returncode == 0, again.stderr
    plan = json.loads(again.stdout)
    assert (plan["data hash"], plan["revision"], plan["rank"]) == (card["data"], "123", 4)


def test_what_training_needs_and_is_not_installed_is_told_with_the_command_that_installs_it(tmp_path: Path) -> None:
    start = "import sys\nsys.modules.update(dict.fromkeys(('accelerate', 'peft')))\n"
    start += f"sys.argv = ['gnb', 'train', '--to', {str(tmp_path / 'a')!r}]\nfrom gnb.cli.main import main\nmain()"
    done = run([sys.executable, "-c", start])
    assert done.returncode == 2
    assert done.stderr == "Error: Training needs accelerate, peft. Install: pip install 'gnb[local]'\n"
