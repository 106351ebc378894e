"""Tuning: what thresholds do, from scores and labels, and `gnb tune` on tiny models."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from scripted import Workplace

from gnb.cli.main import cli
from gnb.core.calibration import Calibration, log_odds
from gnb.core.errors import InputError, ModelError
from gnb.core.jsonl import example_to_json
from gnb.core.records import Example, Rewrite
from gnb.core.tuning import TOLERABLE, Tuning, bias_odds, tune
from gnb.models.adapters import CARD, adapter_card, resolve_adapter
from gnb.models.calibrations import save_calibration, stored_calibration
from gnb.rewriters.local.options import LoraOptions
from gnb.rewriters.lora import LoraRewriter
from gnb.sources.bundled import BundledOptions, BundledSource

BUNDLED = list(BundledSource(BundledOptions()).read(print))[:2869:71][:40]  # biased and unbiased ones


def tuned(*pairs: tuple[float, bool], stored: Calibration | None = None, refit: bool = False) -> Tuning:
    """Tune on texts given by probability and label."""
    odds = [log_odds(probability) for probability, _ in pairs]
    return tune(odds, [biased for _, biased in pairs], stored or Calibration(), refit=refit)


def test_rows_follow_from_probabilities_and_labels() -> None:
    tuning = tuned((0.9, True), (0.55, True), (0.2, True), (0.6, False), (0.1, False), (0.02, False))
    rows = {row.threshold: row for row in tuning.rows}
    assert list(rows) == pytest.approx([step * 0.05 for step in range(1, 20)])
    half = rows[0.5]
    assert (half.precision, half.recall, half.f1, half.touched) == pytest.approx((2 / 3, 2 / 3, 2 / 3, 1 / 3))
    assert (rows[0.55].recall, rows[0.6].recall) == pytest.approx((2 / 3, 1 / 3))
    assert (rows[0.95].precision, rows[0.95].recall, rows[0.95].f1) == (None, 0, 0)
    assert (tuning.biased, tuning.unbiased, tuning.auc) == (3, 3, pytest.approx(7 / 9))
    squares = [0.1**2, 0.45**2, 0.8**2, 0.6**2, 0.1**2, 0.02**2]
    assert tuning.brier == pytest.approx(sum(squares) / 6)


def test_the_best_rows_are_those_of_f1_and_of_recall_without_harm() -> None:
    pairs = [(0.97, True), (0.72, True), (0.42, True), (0.47, False), *[(0.01, False)] * 9]
    tuning = tuned(*pairs)
    # one of ten unbiased texts is touched below 0.5; F1 is 6/7 there, and 4/5 above
    assert tuning.best_f1.f1 == pytest.approx(6 / 7)
    assert tuning.best_f1.touched == 0.1
    assert tuning.careful
    assert (tuning.careful.recall, tuning.careful.touched) == (pytest.approx(2 / 3), 0)


def test_of_rows_that_do_the_same_the_middle_one_is_marked() -> None:
    tuning = tuned((0.99, True), (0.98, True), (0.01, False))
    assert tuning.careful
    assert (tuning.best_f1.threshold, tuning.careful.threshold) == (0.5, 0.5)


def test_no_row_is_careful_where_all_do_harm() -> None:
    assert tuned((0.99, True), (0.98, False), (0.97, False)).careful is None


@given(st.lists(st.tuples(st.floats(0.01, 0.99), st.booleans()), min_size=2, max_size=30))
def test_a_higher_threshold_never_finds_or_touches_more(pairs: list[tuple[float, bool]]) -> None:
    try:
        tuning = tuned(*pairs)
    except InputError:
        return
    for name in ("recall", "touched"):
        values = [getattr(row, name) for row in tuning.rows]
        assert values == sorted(values, reverse=True)
    assert tuning.careful is None or tuning.careful.touched <= TOLERABLE


def test_the_fitted_calibration_is_no_other_when_the_stored_one_is_another() -> None:
    scores = [(-2.0, False), (-1.0, True), (0.5, False), (1.5, True), (3.0, True)]
    stored = Calibration(0.5, -3.0)
    odds = [stored.log_odds(score) for score, _ in scores]
    labels = [biased for _, biased in scores]
    plain = tune([score for score, _ in scores], labels, Calibration())
    shifted = tune(odds, labels, stored)
    refitted = tune(odds, labels, stored, refit=True)
    for tuning in (shifted, refitted):
        assert (tuning.fitted.slope, tuning.fitted.intercept) == pytest.approx(
            (plain.fitted.slope, plain.fitted.intercept), rel=1e-4
        )
    assert shifted.calibration == stored
    assert refitted.calibration == refitted.fitted
    assert refitted.brier == pytest.approx(shifted.fitted_brier, abs=1e-4)
    assert refitted.brier < shifted.brier


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([], "0 of 0 are biased"),
        ([(0.5, True), (0.6, True)], "2 of 2 are biased"),
        ([(0.5, False)], "0 of 1 are biased"),
        ([(0.5, False), (0.5, True)], "fit no calibration"),
        ([(0.9, False), (0.1, True)], "fit no calibration"),
    ],
)
def test_texts_that_teach_nothing_are_refused(pairs: list[tuple[float, bool]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        tuned(*pairs, refit=True)


def test_scores_that_say_nothing_of_bias_are_shown_as_such() -> None:
    tuning = tuned((0.9, False), (0.1, True))
    assert tuning.auc == 0
    assert tuning.fitted.slope < 0


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ({"probability": 0.5, "margin": 9.0}, 0.0),
        ({"probability": 0.0}, log_odds(0.00005)),
        ({"probability": 1}, log_odds(0.99995)),
        ({"margin": 2.0}, 3.0),
        ({}, None),
    ],
)
def test_the_odds_of_a_text(details: Mapping[str, Any], expected: float | None) -> None:
    assert bias_odds(details, Calibration(2.0, -1.0)) == (expected if expected is None else pytest.approx(expected))


@dataclass
class Bench:
    """Tiny models, and texts that are labelled by the scores that these give, but for two."""

    folder: Path
    options: dict[str, str]

    def lora(self, **options: Any) -> LoraRewriter:
        return LoraRewriter(LoraOptions(**self.options | options))

    def judged(self, **options: Any) -> dict[str, Rewrite]:
        texts = [example.text for example in BUNDLED]
        with self.lora(threshold=1, **options) as rewriter:
            return dict(zip(texts, rewriter.rewrite(texts), strict=True))

    def label(self, key: str) -> Path:
        """Write a prepared folder: the even texts for validation, the odd ones for testing."""
        scores = {text: answer.details[key] for text, answer in self.judged().items()}
        order = sorted(scores, key=scores.__getitem__)
        biased = {text: (place >= len(order) / 2) ^ (place in (2, 36)) for place, text in enumerate(order)}
        examples = [Example(str(number), text, (), flag) for number, (text, flag) in enumerate(biased.items())]
        for split, part in {"train": [], "validation": examples[::2], "test": examples[1::2]}.items():
            lines = "".join(example_to_json(example) + "\n" for example in part)
            (self.folder / f"{split}.jsonl").write_text(lines, "utf-8")
        return self.folder

    def tune(self, *arguments: str) -> str:
        """Return what the command writes to standard output."""
        pairs = [word for name, value in self.options.items() for word in ("-o", f"lora.{name}={value}")]
        words = ["tune", f"prepared:{self.folder}", "--store", str(self.folder / "store.sqlite"), *pairs, *arguments]
        done = CliRunner().invoke(cli, words, catch_exceptions=False)
        return done.stdout


@pytest.fixture
def bench(tmp_path: Path, tiny_model: Path, tiny_adapter: Path) -> Bench:
    """Without a detector: margins tell."""
    adapter = shutil.copytree(tiny_adapter, tmp_path / "adapter")
    return Bench(
        tmp_path, {"base_model": str(tiny_model), "dtype": "float32", "adapter": str(adapter), "detector": "none"}
    )


@pytest.fixture
def gated(bench: Bench, tiny_detector: Path) -> Bench:
    """With a detector: probabilities tell."""
    detector = shutil.copytree(tiny_detector, bench.folder / "detector")
    return Bench(bench.folder, {**bench.options, "detector": str(detector)})


def test_the_table_of_a_detector(gated: Bench) -> None:
    gated.label("probability")
    out = gated.tune()
    lines = out.splitlines()
    assert lines[0].split() == ["threshold", "precision", "%", "recall", "%", "F1", "%", "touched", "%"]
    assert [line.split()[0] for line in lines[1:20]] == [f"{step * 0.05:.2f}" for step in range(1, 20)]
    assert out.count("best F1") == 1
    assert "biased and" in out
    assert "ROC AUC" in out
    assert "calibration in use: slope 1.000, intercept -0.700" in out


def test_a_saved_calibration_of_a_detector_is_the_one_in_use(gated: Bench) -> None:
    folder = gated.label("probability") / "detector"
    before = adapter_card(folder)
    first = json.loads(gated.tune("--json"))
    assert adapter_card(folder) == before
    saved = json.loads(gated.tune("--json", "--save"))
    assert adapter_card(folder) == {**before, "calibration": first["fitted"]}
    again = json.loads(gated.tune("--json"))
    assert saved["fitted"] == first["fitted"]
    assert saved["calibration"] == again["calibration"] == first["fitted"]
    assert again["auc"] == pytest.approx(first["auc"], abs=0.02)
    assert again["brier"] == pytest.approx(first["fitted_brier"], abs=1e-3)
    assert again["fitted"]["slope"] == pytest.approx(first["fitted"]["slope"], rel=0.02)


def test_a_saved_calibration_of_margins_decides_which_texts_are_changed(bench: Bench) -> None:
    folder = bench.label("margin") / "adapter"
    tuning = json.loads(bench.tune("--json", "--save", "--split", "all"))
    assert stored_calibration(folder) == Calibration(**tuning["fitted"])
    row = next(row for row in tuning["rows"] if row["threshold"] == tuning["best_f1"])
    texts = [example.text for example in BUNDLED]
    with bench.lora(threshold=row["threshold"]) as rewriter:
        changed = sum(answer.raw != text for text, answer in zip(texts, rewriter.rewrite(texts), strict=True))
    assert changed == round(row["recall"] * tuning["biased"] + row["touched"] * tuning["unbiased"])
    assert 0 < changed < len(texts)


def test_answers_cut_by_a_margin_are_known_by_its_calibration(bench: Bench) -> None:
    def fingerprints() -> list[Any]:
        return [bench.lora(**options).fingerprint() for options in ({}, {"threshold": 0.5})]

    greedy, cut = fingerprints()
    save_calibration(Path(bench.options["adapter"]), Calibration(2.0, 1.0))
    assert fingerprints()[0] == greedy
    assert fingerprints()[1] != cut


def test_the_test_split_is_left_alone_unless_named(gated: Bench) -> None:
    gated.label("probability")
    sizes = [json.loads(gated.tune("--json", *words)) for words in ([], ["--split", "all"])]
    assert [size["biased"] + size["unbiased"] for size in sizes] == [20, 40]


def test_a_threshold_of_the_user_changes_no_score(gated: Bench) -> None:
    gated.label("probability")
    assert gated.tune("--json", "-o", "lora.threshold=0.2") == gated.tune("--json")


def test_scores_are_kept_in_the_store(workplace: Workplace) -> None:
    lines = [example_to_json(example) for example in BUNDLED]
    (workplace.folder / "validation.jsonl").write_text("\n".join(lines), "utf-8")
    words = ("-r", "scripted", "-o", "scripted.log=log", "-o", 'scripted.details={"margin": 1}')
    for _ in range(2):
        assert "ROC AUC 50.0 %" in workplace.run("tune", "prepared:.", *words)[0]
    asked = (workplace.folder / "log").read_text("utf-8").splitlines()
    assert sorted(asked) == sorted({example.text for example in BUNDLED})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-r", "copy"], "The rewriter 'copy' says of no text how biased it is."),
        (["-r", "copy", "--save"], "The rewriter 'copy' has no adapter or detector"),
        (["--save"], "ships with gnb and keeps its calibration"),
        (["--split", "valid"], "There is no split 'valid'. Did you mean 'validation'"),
        (["-o", "loar.threshold=1"], "nothing here is called 'loar'. Did you mean 'lora'?"),
        (["-r", "scripted", "-o", "scripted.raise_after=0"], "scripted failed: "),
    ],
)
def test_mistakes_are_named_in_one_line(workplace: Workplace, arguments: list[str], message: str) -> None:
    out, err = workplace.run("tune", "--limit", "20", *arguments, code=2)
    assert message in err
    assert (out, err.count("\n")) == ("", 1)


def test_what_ships_is_never_changed() -> None:
    shipped = resolve_adapter("embedded")
    before = (shipped / CARD).read_bytes()
    with pytest.raises(ModelError, match="ships with gnb"):
        save_calibration(shipped, Calibration())
    assert (shipped / CARD).read_bytes() == before


@pytest.mark.parametrize(
    "calibration", ["[1, 2]", '{"slope": 0}', '{"slope": -1}', '{"slope": NaN}', '{"intercept": "high"}', "null"]
)
def test_a_damaged_calibration_is_named(tiny_adapter: Path, tmp_path: Path, calibration: str) -> None:
    folder = shutil.copytree(tiny_adapter, tmp_path / "adapter")
    (folder / CARD).write_text(f'{{"calibration": {calibration}}}', "utf-8")
    with pytest.raises(ModelError, match="not a slope above 0 and an intercept"):
        stored_calibration(folder)
