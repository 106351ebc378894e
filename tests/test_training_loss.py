"""The loss: the same whatever the batches, packs and shortcuts, and transformers' own where that can say it."""

from pathlib import Path
from typing import Any

import pytest

from gnb.sources.bundled import BundledOptions, BundledSource
from gnb.training.batches import Row, collate, pack, row_length
from gnb.training.data import TrainingData, select_data
from gnb.training.options import TrainingOptions


@pytest.fixture(scope="module")
def data() -> TrainingData:
    return select_data(list(BundledSource(BundledOptions()).read(print)), limit=12)


def make_trainer(tiny_model: Path, data: TrainingData, folder: Path, **options: Any) -> Any:
    """A trainer of a tiny model whose adapter is not zero any more."""
    import torch

    from gnb.training.rows import make_rows
    from gnb.training.run import attach_adapter, load_base, make_trainer

    settings = TrainingOptions(base_model=str(tiny_model), device="cpu", dtype="float32", **options)
    loaded = load_base(data, settings)
    torch.manual_seed(0)
    model = attach_adapter(loaded, settings)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.3)
    return make_trainer(model, loaded, make_rows(data, settings, loaded.tokenizer), settings, folder)


def loss_and_gradient(trainer: Any, rows: list[Row]) -> tuple[float, int, Any]:
    import torch

    trainer.model.zero_grad()
    loss, tokens = trainer.summed_loss(trainer.model, collate(rows, trainer.pad))
    loss.backward()
    weights = [weight.grad.flatten() for weight in trainer.model.parameters() if weight.requires_grad]
    return float(loss), tokens, torch.cat(weights)


def assert_same(first: tuple[float, int, Any], second: tuple[float, int, Any]) -> None:
    assert first[:2] == (pytest.approx(second[0], rel=1e-5), second[1])
    assert float((first[2] - second[2]).abs().max()) < 1e-4 * float(second[2].abs().max())


def test_packed_items_do_not_see_each_other(tiny_model: Path, data: TrainingData, tmp_path: Path) -> None:
    trainer = make_trainer(tiny_model, data, tmp_path)
    trainer.instruction_length = 0
    alone = trainer.train_dataset
    packed = pack([item for row in alone for item in row], 512)
    assert len(packed) < len(alone)
    assert_same(loss_and_gradient(trainer, packed), loss_and_gradient(trainer, alone))


def test_padding_and_neighbours_change_nothing(tiny_model: Path, data: TrainingData, tmp_path: Path) -> None:
    trainer = make_trainer(tiny_model, data, tmp_path)
    rows = trainer.train_dataset
    together = loss_and_gradient(trainer, rows)[0]
    assert together == pytest.approx(sum(loss_and_gradient(trainer, [row])[0] for row in rows), rel=1e-5)


def test_computing_the_instruction_once_a_batch_changes_nothing(
    tiny_model: Path, data: TrainingData, tmp_path: Path
) -> None:
    trainer = make_trainer(tiny_model, data, tmp_path)
    assert trainer.instruction_length > 10
    once = loss_and_gradient(trainer, trainer.train_dataset)
    trainer.instruction_length = 0
    assert_same(once, loss_and_gradient(trainer, trainer.train_dataset))


def test_only_answers_have_loss(tiny_model: Path, data: TrainingData, tmp_path: Path) -> None:
    trainer = make_trainer(tiny_model, data, tmp_path)
    tokens = loss_and_gradient(trainer, trainer.train_dataset)[1]
    assert tokens == sum(len(item.tokens) - item.prompt_length for row in trainer.train_dataset for item in row)


def test_over_the_full_vocabulary_the_loss_is_that_of_transformers(
    tiny_model: Path, data: TrainingData, tmp_path: Path
) -> None:
    trainer = make_trainer(tiny_model, data, tmp_path, output_layer="full", change_weight=1.0)
    (row, *_) = trainer.train_dataset
    batch = collate([row], trainer.pad)
    loss, tokens, _ = loss_and_gradient(trainer, [row])
    theirs = trainer.model(input_ids=batch["input_ids"], labels=batch["labels"]).loss
    assert loss / tokens == pytest.approx(float(theirs), rel=1e-5)


def test_over_the_task_vocabulary_the_loss_leaves_out_what_other_tokens_take(
    tiny_model: Path, data: TrainingData, tmp_path: Path
) -> None:
    task = make_trainer(tiny_model, data, tmp_path)
    full = make_trainer(tiny_model, data, tmp_path, output_layer="full")
    assert len(task.output.ids) < len(full.output.ids)
    rows = task.train_dataset
    inside, outside = loss_and_gradient(task, rows)[0], loss_and_gradient(full, rows)[0]
    assert inside < outside < 1.05 * inside


@pytest.mark.parametrize("task", ["rewrite", "detect"])
def test_an_evaluation_holds_no_more_tokens_at_once_than_it_may(
    tiny_model: Path, data: TrainingData, tmp_path: Path, task: str
) -> None:
    trainer = make_trainer(tiny_model, data, tmp_path, task=task, batch_size=12)
    rows = trainer.train_dataset

    def evaluate(most: int) -> tuple[float, list[float]]:
        trainer.settings = trainer.settings.model_copy(update={"forward_tokens": most})
        return trainer.mean_loss(rows), trainer.scores(rows) if task == "detect" else []

    loss, scores = evaluate(100_000)
    most, passes = 2 * max(map(row_length, rows)), []
    embeddings = trainer.model.get_input_embeddings()
    embeddings.register_forward_hook(lambda module, inputs, output: passes.append(inputs[0].numel()))
    assert evaluate(most) == (pytest.approx(loss, rel=1e-5), pytest.approx(scores, abs=1e-5))
    assert max(passes) <= most < sum(passes)


def test_changed_tokens_count_as_often_as_they_weigh(tiny_model: Path, data: TrainingData, tmp_path: Path) -> None:
    def loss(weight: float) -> float:
        trainer = make_trainer(tiny_model, data, tmp_path, change_weight=weight)
        return loss_and_gradient(trainer, trainer.train_dataset)[0]

    one, two, three = loss(1.0), loss(2.0), loss(3.0)
    assert two > one
    assert three - two == pytest.approx(two - one, rel=1e-3)
