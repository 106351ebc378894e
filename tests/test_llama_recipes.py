"""`gnb train --trainer llama-recipes`: Meta's own loop and packing on our items, for real on a tiny Llama."""

import itertools
import json
from collections import defaultdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_model import build_tiny_chat_model
from training_bench import FILES, Bench

from gnb.core.errors import InputError, SettingsError
from gnb.core.records import Example
from gnb.models.adapters import attach_adapter
from gnb.models.loading import load_model, load_tokenizer
from gnb.sources.bundled import BundledOptions, BundledSource
from gnb.training.data import TrainingData
from gnb.training.options import TrainingOptions, preset_values
from gnb.training.rows import make_rows

pytestmark = pytest.mark.skipif(
    not (find_spec("llama_cookbook") and find_spec("fire")),
    reason="needs llama-recipes: pip install fire, pip install --no-deps llama-cookbook",
)
PAPER = preset_values("paper") | {"dropout": 0.0, "learning_rate": 5e-3, "accumulation": 1, "context_length": 512}
TOLERANCE = 1e-5
"""Relative, of losses: one loop computes the output layer at every position, the other where there are answers."""


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_chat_model(tmp_path_factory.mktemp("llama") / "model")


@pytest.fixture(scope="module")
def texts() -> list[Example]:
    return [example for example in BundledSource(BundledOptions()).read(print) if example.references and example.biased]


@pytest.fixture
def bench(llama: Path, texts: list[Example], tmp_path: Path) -> Bench:
    return Bench(llama, TrainingData(tuple(texts[:24]), tuple(texts[24:30])), tmp_path)


def train(bench: Bench, name: str, **options: Any) -> dict[str, Any]:
    return bench.train(name, **{**PAPER, "trainer": "llama-recipes", **options})


def alike(llama: Path, texts: list[Example]) -> tuple[int, list[Example]]:
    """Return a number of tokens, and texts whose items have just that many."""
    options = TrainingOptions(base_model=str(llama), **PAPER)
    tokenizer = load_tokenizer(str(llama))
    groups: dict[int, list[Example]] = defaultdict(list)
    for text in texts[:200]:
        (row,) = make_rows(TrainingData((text,), ()), options.model_copy(update={"packing": None}), tokenizer).train
        groups[len(row[0].tokens)].append(text)
    return max(groups.items(), key=lambda group: len(group[1]))


def test_both_trainers_reach_the_same_loss_where_they_see_the_same_tokens(bench: Bench, texts: list[Example]) -> None:
    # Packs of one item each: llama-recipes cuts nothing and has nothing to be seen by. It drops the last one.
    size, found = alike(bench.model, texts)
    assert len(found) >= 5
    bench.data = TrainingData(tuple(found), tuple(found[:2]))
    options = {"packing": size, "batch_size": len(found) - 1, "epochs": 4}
    theirs = train(bench, "theirs", **options)
    bench.data = TrainingData(tuple(found[:-1]), tuple(found[:2]))
    ours = train(bench, "ours", **options, trainer="gnb")
    assert bench.losses("theirs") == pytest.approx(bench.losses("ours"), rel=TOLERANCE)
    assert bench.losses("theirs")[-1] < bench.losses("theirs")[0]
    assert theirs["validation_loss"] == pytest.approx(ours["validation_loss"], rel=TOLERANCE)
    rates = [[entry["learning_rate"] for entry in bench.history(name)["train"]] for name in ("ours", "theirs")]
    assert rates[0] == pytest.approx(rates[1])


def test_the_adapter_of_llama_recipes_is_stored_as_ours_are(bench: Bench) -> None:
    card = train(bench, "adapter", packing=256, batch_size=2, accumulation=2)
    folder = bench.folder / "adapter"
    assert {path.name for path in folder.iterdir()} == {*FILES, "lexicon.tsv"}
    assert card["settings"]["trainer"] == "llama-recipes"
    counts = card["counts"]
    assert counts["packs"] * 256 + counts["dropped_tokens"] == counts["train_tokens"]
    assert counts["dropped_items"] >= 1
    steps = counts["packs"] // 2 / 2
    assert card["steps"] == 3 * -(-counts["packs"] // 2 // 2) >= steps
    rates = [entry["learning_rate"] for entry in bench.history()["train"]]
    assert sorted(set(rates), reverse=True) == pytest.approx([5e-3 * 0.85**epoch for epoch in range(3)])
    assert [now.step for now in bench.seen] == list(range(1, card["steps"] + 1))
    config = json.loads((folder / "adapter_config.json").read_text("utf-8"))
    assert (config["r"], config["lora_alpha"], config["target_modules"]) == (8, 32, ["q_proj", "v_proj"])
    attach_adapter(load_model(bench.job().options), folder)


def test_steps_that_the_scaling_of_float16_skips_do_not_lose_the_run(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = torch.optim.AdamW.step
    calls = itertools.count()

    def skip_the_first(self: Any, *arguments: Any) -> Any:
        return step(self, *arguments) if next(calls) else None

    skip_the_first.hooked = True  # or torch would tell of the skipped one as of any other
    monkeypatch.setattr(torch.optim.AdamW, "step", skip_the_first)
    card = train(bench, "adapter", packing=256, batch_size=2)
    assert len(bench.losses()) == card["steps"] == next(calls)
    rates = [entry["learning_rate"] for entry in bench.history()["train"]]
    assert sorted(set(rates), reverse=True) == pytest.approx([5e-3 * 0.85**epoch for epoch in range(3)])


def test_what_its_packing_costs_is_counted_as_its_own_packs_show_it(bench: Bench) -> None:
    from gnb.training.recipes import import_loop, pack_samples, packing_losses

    rows = make_rows(
        bench.data, TrainingOptions(base_model=str(bench.model), **PAPER), load_tokenizer(str(bench.model))
    )
    items = rows.encoded["train"].items
    for size in (100, 256, 1000, 100_000, sum(len(item.tokens) for item in items)):
        packs = pack_samples(import_loop().packs, items, size)
        found = packing_losses(items, size)
        assert found["packs"] == len(packs)
        seen = [token for pack in packs for token in pack["input_ids"]]
        tokens = [token for item in items for token in item.tokens]
        assert seen == tokens[: len(seen)]
        assert found["dropped_tokens"] == len(tokens) - len(seen)


def test_what_its_loop_cannot_do_is_refused(bench: Bench) -> None:
    with pytest.raises(SettingsError, match=r"needs schedule = step, .*packing = a number of tokens.*--preset paper"):
        bench.train(trainer="llama-recipes")


def test_too_few_texts_for_a_batch_of_packs_are_refused(bench: Bench) -> None:
    with pytest.raises(InputError, match=r"makes 0 packs of 65536 tokens .* not one batch of 1"):
        train(bench, "adapter", packing=65536)
