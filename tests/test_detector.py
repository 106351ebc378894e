"""The detector: its training, what it says of texts, and the gate that it makes of the local rewriters."""

import json
import shutil
import signal
import subprocess
import sys
from itertools import pairwise
from math import exp, inf
from pathlib import Path
from typing import Any

import pytest
from training_bench import FILES, Bench, KilledError, contents, kill_at

from gnb.core.errors import InputError, ModelError
from gnb.core.records import Example, Rewrite
from gnb.models.adapters import CARD
from gnb.models.detector import Detector
from gnb.models.loading import load_tokenizer
from gnb.models.options import ModelOptions
from gnb.models.prompt import PUBLISHED, Prompt
from gnb.rewriters.local.options import LoraOptions
from gnb.rewriters.lora import LoraRewriter
from gnb.sources.bundled import BundledOptions, BundledSource
from gnb.training.data import TrainingData, select_data
from gnb.training.job import perform

EXAMPLES = list(BundledSource(BundledOptions()).read(print))
TEXTS = [example.text for example in EXAMPLES[:300:25]]
LONG = " ".join(example.text for example in EXAMPLES[100:160])


class DetectBench(Bench):
    """Trains a detector."""

    def job(self, name: str = "adapter", **options: Any) -> Any:
        return super().job(name, **{"task": "detect", "batch_size": 8} | options)


@pytest.fixture(scope="module")
def data() -> TrainingData:
    return select_data(EXAMPLES, task="detect", limit=40)


@pytest.fixture
def bench(tiny_model: Path, data: TrainingData, tmp_path: Path) -> DetectBench:
    return DetectBench(tiny_model, data, tmp_path)


@pytest.fixture(scope="module")
def trained(tiny_model: Path, data: TrainingData, tmp_path_factory: pytest.TempPathFactory) -> DetectBench:
    """A finished run, for tests that only look at it."""
    bench = DetectBench(tiny_model, data, tmp_path_factory.mktemp("trained"))
    bench.train()
    return bench


@pytest.fixture(scope="module")
def detector(tiny_model: Path, tiny_detector: Path) -> Detector:
    return Detector(ModelOptions(base_model=str(tiny_model), dtype="float32"), str(tiny_detector))


def test_the_folder_says_task_categories_and_calibration(trained: DetectBench) -> None:
    folder = trained.folder / "adapter"
    assert {path.name for path in folder.iterdir()} == FILES
    record = json.loads((folder / CARD).read_text("utf-8"))
    assert record["task"] == "detect"
    assert record["categories"] == ["none", *sorted({e.category for e in trained.data.train if e.biased})]
    assert set(record["calibration"]) == {"slope", "intercept"}
    assert record["vocabulary"] == 1500


def test_the_card_speaks_of_detection(trained: DetectBench) -> None:
    card = (trained.folder / "adapter" / "README.md").read_text("utf-8")
    for said in ("pipeline_tag: text-classification", "lora.detector=FOLDER", "not a verdict", "| task | `detect` |"):
        assert said in card
    assert "neutral versions" not in card
    assert "<!-- loss a text (nats) -->" in (trained.folder / "adapter" / "loss.svg").read_text("utf-8")


def test_the_loss_falls(trained: DetectBench) -> None:
    losses = [entry["loss"] for entry in trained.history()["train"]]
    assert sum(losses[-3:]) < sum(losses[:3])


def test_the_same_job_is_not_done_twice(trained: DetectBench) -> None:
    before = contents(trained.folder / "adapter")
    trained.train()
    assert trained.seen == []
    assert contents(trained.folder / "adapter") == before


def test_over_a_model_in_bfloat16_the_classifier_learns_steps_that_bfloat16_has_no_numbers_for(
    bench: DetectBench,
) -> None:
    from safetensors.torch import load_file

    bench.train(dtype="bfloat16", epochs=1)
    weights = load_file(bench.folder / "adapter" / "adapter_model.safetensors")
    (classifier,) = (value.float() for name, value in weights.items() if name.endswith("score.weight"))
    assert (classifier != classifier.bfloat16().float()).any()


@pytest.mark.parametrize("step", [1, 6])
def test_a_run_that_died_goes_on_and_ends_with_the_weights_of_an_unbroken_one(
    bench: DetectBench, trained: DetectBench, step: int
) -> None:
    import torch
    from safetensors.torch import load_file

    with pytest.raises(KilledError):
        perform(bench.job(), watch=kill_at(step))
    bench.train()
    assert bench.history() == trained.history()
    ours, theirs = (load_file(each.folder / "adapter" / "adapter_model.safetensors") for each in (bench, trained))
    assert any("score" in name for name in theirs)
    assert [name for name in theirs if not torch.equal(ours[name], theirs[name])] == []


def test_ctrl_c_ends_a_run_without_another_pass_over_the_validation_texts(
    bench: DetectBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gnb.training.detecting import DetectTrainer

    judged: list[Any] = []
    monkeypatch.setattr(DetectTrainer, "scores", lambda trainer, rows: judged.append(rows) or [0.0] * len(rows))
    with pytest.raises(KeyboardInterrupt):
        perform(bench.job(), watch=lambda now: signal.raise_signal(signal.SIGINT) if now.step == 3 else None)
    assert judged == []
    assert bench.job().has_checkpoint()


def test_a_killed_command_goes_on_from_its_checkpoint(bench: DetectBench) -> None:
    values = bench.job().options
    pairs = [f"train.{key}={getattr(values, key)}" for key in sorted(values.model_fields_set - {"task"})]
    options = [word for pair in pairs for word in ("-o", pair)]
    target = bench.folder / "adapter"
    command = [sys.executable, "-m", "gnb", "train", "--task", "detect", "--to", str(target), "--limit", "40", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, encoding="utf-8") as process:
        assert process.stderr
        said = (line for line in process.stderr if "validation loss" in line)
        assert ["step 2 of 10" in next(said), "step 4 of 10" in next(said)] == [True, True]
        process.send_signal(signal.SIGKILL)
    again = subprocess.run([*command, "--json"], encoding="utf-8", capture_output=True, check=False)
    assert again.returncode == 0, again.stderr
    assert "step 2 of 10" not in again.stderr
    assert json.loads(again.stdout)["task"] == "detect"
    assert "-o lora.detector=" in again.stderr


def test_no_probability_depends_on_neighbours(detector: Detector) -> None:
    texts = [*TEXTS, LONG, "", "زن"]
    together = [found.probability for found in detector.detect(texts)]
    alone = [detector.detect([text])[0].probability for text in texts]
    assert together == pytest.approx(alone, abs=1e-5)
    assert len({round(probability, 3) for probability in together}) > 5


def test_a_long_text_is_as_biased_as_its_most_biased_piece(detector: Detector) -> None:
    tokenizer = load_tokenizer(detector._options.base_model)
    assert len(tokenizer(LONG)["input_ids"]) > 3 * 256
    (found,) = detector.detect([LONG])
    pieces = detector._pieces(LONG, tokenizer)
    singles = [detector._judge(detector._logits([piece], detector._loaded)) for piece in pieces]
    best = max(singles, key=lambda single: single.probability)
    assert (found.probability, found.category) == (pytest.approx(best.probability, abs=1e-5), best.category)


def test_no_token_of_a_long_sentence_goes_unjudged(detector: Detector) -> None:
    tokenizer = load_tokenizer(detector._options.base_model)
    sentence = " ".join(str(number) for number in range(1000, 1400))
    judged = {token for piece in detector._windows(sentence, tokenizer) for token in piece}
    assert judged == set(tokenizer(sentence)["input_ids"])
    first, second = (detector._windows(sentence, tokenizer)[place] for place in (0, 1))
    assert [*first, *second[1:]] == tokenizer(sentence)["input_ids"][:511]


@pytest.mark.parametrize("blank", ["", " \n\t"])
def test_a_blank_text_is_not_biased(detector: Detector, blank: str) -> None:
    (found,) = detector.detect([blank])
    assert (found.probability, found.category) == (0.0, "none")


def test_an_adapter_is_no_detector(tiny_model: Path, tiny_adapter: Path) -> None:
    with pytest.raises(ModelError, match="holds no detector; `gnb train --task detect"):
        Detector(ModelOptions(base_model=str(tiny_model)), str(tiny_adapter))


def test_a_detector_is_no_adapter(tiny_model: Path, tiny_detector: Path) -> None:
    options = LoraOptions(base_model=str(tiny_model), adapter=str(tiny_detector))
    with pytest.raises(ModelError, match=r"holds a detector, which rewrites nothing.*lora\.detector="):
        LoraRewriter(options).fingerprint()


def test_a_detector_of_another_base_model_is_refused(tiny_model: Path, tiny_detector: Path, tmp_path: Path) -> None:
    other = shutil.copytree(tiny_model, tmp_path / "other")
    with pytest.raises(ModelError, match="made for base model 'model', not 'other'"):
        Detector(ModelOptions(base_model=str(other)), str(tiny_detector))


class Gate:
    """Rewrites by tiny models, gated or not."""

    def __init__(self, model: Path, adapter: Path, detector: Path) -> None:
        self.values = {"base_model": str(model), "adapter": str(adapter), "detector": str(detector), "dtype": "float32"}

    def rewriter(self, **values: Any) -> LoraRewriter:
        return LoraRewriter(LoraOptions(**self.values | values))

    def answers(self, **values: Any) -> list[Rewrite]:
        with self.rewriter(**values) as rewriter:
            return list(rewriter.rewrite(TEXTS))


@pytest.fixture(scope="module")
def gate(tiny_model: Path, tiny_adapter: Path, tiny_detector: Path) -> Gate:
    return Gate(tiny_model, tiny_adapter, tiny_detector)


def test_the_gate_lets_through_what_reaches_the_threshold(gate: Gate, detector: Detector) -> None:
    found = detector.detect(TEXTS)
    threshold = sorted(each.probability for each in found)[len(found) // 2]
    answers = gate.answers(threshold=threshold)
    for text, answer, each in zip(TEXTS, answers, found, strict=True):
        assert answer.details["probability"] == each.probability
        assert answer.details["category"] == each.category
        assert (answer.text == text) == (each.probability < threshold) or answer.fallback
    assert 0 < sum(answer.raw is None for answer in answers) < len(answers)


def test_thresholds_of_0_and_1_change_all_and_none(gate: Gate) -> None:
    for detector in ({}, {"detector": "none"}):
        changed = [
            a.fallback or a.text != text for text, a in zip(TEXTS, gate.answers(threshold=0, **detector), strict=True)
        ]
        assert all(changed)
        assert [answer.text for answer in gate.answers(threshold=1, **detector)] == TEXTS


def test_without_a_detector_the_margin_meets_the_threshold(gate: Gate) -> None:
    margins = [answer.details["margin"] for answer in gate.answers(detector="none")]
    ordered = sorted(margins)
    below, middle = max(pairwise(ordered), key=lambda pair: pair[1] - pair[0])  # where rounding decides nothing
    threshold = 1 / (1 + exp(-(below + middle) / 2))
    for text, answer in zip(TEXTS, gate.answers(detector="none", threshold=threshold), strict=True):
        above = answer.details["margin"] >= middle
        assert (answer.text != text or answer.fallback) == above


def test_a_text_without_a_probability_stays_as_it_is(gate: Gate) -> None:
    answers = gate.answers(decoding="plain", detector="none", threshold=0.5)
    assert [answer.text for answer in answers] == TEXTS
    assert not any("margin" in answer.details for answer in answers)


def test_the_fingerprint_tells_thresholds_and_detectors_apart(gate: Gate, trained: DetectBench) -> None:
    other = str(trained.folder / "adapter")
    settings = [
        {},
        {"threshold": 0.3},
        {"detector": "none"},
        {"detector": "none", "threshold": 0.3},
        {"detector": other},
    ]
    records = [json.dumps(gate.rewriter(**values).fingerprint(), sort_keys=True) for values in settings]
    assert len(set(records)) == len(records)


def test_least_decides_whether_an_answer_differs(gate: Gate) -> None:
    with gate.rewriter() as rewriter:
        decoder, prompt = rewriter._decoder, Prompt(PUBLISHED, rewriter._loaded.tokenizer)
        sources = [prompt.tokens_of(text) for text in TEXTS]
        limits = [2 * len(source) for source in sources]
        greedy = [found.tokens for found in decoder.decode(sources, limits)]
        changed = [found.tokens for found in decoder.decode(sources, limits, least=-inf)]
        assert all(answer != source for answer, source in zip(changed, sources, strict=True))
        assert [found.tokens for found in decoder.decode(sources, limits, least=inf)] == sources
        tight = decoder.decode(greedy, [len(tokens) for tokens in greedy], least=-inf)
        assert all(found.tokens != tokens for found, tokens in zip(tight, greedy, strict=True) if tokens)


def test_unbiased_training_texts_are_thinned_and_biased_ones_kept() -> None:
    whole, part = select_data(EXAMPLES), select_data(EXAMPLES, unbiased_share=0.25)
    biased, unbiased = ({e.id for e in whole.train if e.biased is flag} for flag in (True, False))
    kept = {example.id for example in part.train}
    assert kept & biased == biased
    assert len(kept & unbiased) == round(0.25 * len(unbiased))
    assert part.validation == whole.validation


def test_detection_learns_from_labels_without_references() -> None:
    labelled = Example("1", "زن باید صبور باشد.", biased=True, category="family", split="train")
    unlabelled = Example("2", "سلام", ("سلام",), split="train")
    neutral = Example("3", "باران می‌بارد.", biased=False, category="none", split="train")
    assert select_data([labelled, unlabelled, neutral], task="detect").train == (labelled, neutral)
    assert select_data([labelled, unlabelled]).train == (unlabelled,)
    with pytest.raises(InputError, match="learns from biased and unbiased texts; all 1 for training are biased"):
        select_data([labelled, unlabelled], task="detect")
    with pytest.raises(InputError, match="none is for training and has a label"):
        select_data([unlabelled], task="detect")
