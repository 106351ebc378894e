"""Adapters and detectors whose files are damaged: one clear line each, never an answer."""

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from gnb.core.answering import answer
from gnb.core.errors import ModelError
from gnb.core.store import Store
from gnb.models.adapters import CARD, CONFIG, KEYS, WEIGHTS, resolve_adapter
from gnb.models.calibrations import stored_calibration
from gnb.models.detector import Detector
from gnb.models.options import ModelOptions
from gnb.rewriters.local.options import LoraOptions
from gnb.rewriters.lora import LoraRewriter

TEXT = "دولتمردان باید قول مردانه بدهند."
NESTED = "[" * 100_000


def told_of_adapter(folder: Path, **options: Any) -> str:
    with pytest.raises(ModelError) as told:
        list(LoraRewriter(LoraOptions(adapter=str(folder), **options)).rewrite([TEXT]))
    assert "\n" not in str(told.value)
    return str(told.value)


def told_of_detector(folder: Path, **options: Any) -> str:
    with pytest.raises(ModelError) as told:
        Detector(ModelOptions(**options), str(folder)).detect([TEXT])
    assert "\n" not in str(told.value)
    return str(told.value)


def damaged(source: Path, folder: Path, part: str, value: float) -> Path:
    """Copy an adapter, and put one odd number among its weights."""
    shutil.copytree(source, folder)
    tensors = load_file(folder / WEIGHTS)
    name = next(name for name in tensors if part in name)
    tensors[name].view(-1)[-1] = value
    save_file(tensors, folder / WEIGHTS)
    return folder


def with_settings(source: Path, folder: Path, **values: object) -> Path:
    shutil.copytree(source, folder)
    settings = json.loads((folder / CONFIG).read_text("utf-8"))
    (folder / CONFIG).write_text(json.dumps(settings | values), "utf-8")
    return folder


@pytest.mark.parametrize("part", ["lora_A", "lora_B"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_an_adapter_with_a_weight_that_is_no_number_answers_nothing(
    tiny_model: Path, tiny_adapter: Path, tmp_path: Path, part: str, value: float
) -> None:
    adapter = damaged(tiny_adapter, tmp_path / "adapter", part, value)
    line = told_of_adapter(adapter, base_model=str(tiny_model), dtype="float32")
    assert f"The adapter in {adapter} is damaged: not all of its weights are finite numbers" in line


@pytest.mark.parametrize("part", ["lora_A", "lora_B", "score.weight"])
def test_a_detector_with_a_weight_that_is_no_number_judges_nothing(
    tiny_model: Path, tiny_detector: Path, tmp_path: Path, part: str
) -> None:
    detector = damaged(tiny_detector, tmp_path / "detector", part, math.nan)
    assert "not all of its weights are finite numbers" in told_of_detector(
        detector, base_model=str(tiny_model), dtype="float32"
    )


def test_a_detector_whose_numbers_overflow_judges_nothing(
    tiny_model: Path, tiny_detector: Path, tmp_path: Path
) -> None:
    detector = shutil.copytree(tiny_detector, tmp_path / "detector")
    tensors = load_file(detector / WEIGHTS)
    for name in tensors:
        if "score" in name:
            tensors[name].fill_(3e38)  # finite, but no product with it is
    save_file(tensors, detector / WEIGHTS)
    line = told_of_detector(detector, base_model=str(tiny_model), dtype="float32")
    assert "gives no finite numbers" in line


def test_a_detector_whose_categories_do_not_begin_with_none_judges_nothing(
    tiny_model: Path, tiny_detector: Path, tmp_path: Path
) -> None:
    detector = shutil.copytree(tiny_detector, tmp_path / "detector")
    card = json.loads((detector / CARD).read_text("utf-8"))
    first, *others = card["categories"]
    (detector / CARD).write_text(json.dumps(card | {"categories": [*others, first]}), "utf-8")
    line = told_of_detector(detector, base_model=str(tiny_model), dtype="float32")
    assert f"{detector / CARD}: the categories are" in line
    assert "'none' first" in line


def test_adapter_and_detector_of_the_embedded_model_are_looked_at_too(tmp_path: Path) -> None:
    adapter = damaged(resolve_adapter("embedded"), tmp_path / "adapter", "lora_B", math.nan)
    assert "not all of its weights are finite numbers" in told_of_adapter(adapter)
    detector = damaged(resolve_adapter("embedded", "detector"), tmp_path / "detector", "score", math.nan)
    assert "not all of its weights are finite numbers" in told_of_detector(detector)


def test_keys_of_training_texts_that_are_no_text_are_told_before_anything_is_answered(
    tiny_model: Path, tiny_adapter: Path, tmp_path: Path, store: Store
) -> None:
    adapter = shutil.copytree(tiny_adapter, tmp_path / "adapter")
    (adapter / KEYS).write_bytes(b"\xff\xfe")
    rewriter = LoraRewriter(LoraOptions(base_model=str(tiny_model), adapter=str(adapter)))
    found = answer(rewriter, [TEXT], store, lambda done, total: None)
    assert found.error.startswith(f"{adapter / KEYS} is damaged")
    assert "\n" not in found.error
    assert store.outputs(found.fingerprint, [TEXT]) == {}


def test_settings_nested_too_deeply_are_told(tiny_model: Path, tiny_adapter: Path, tmp_path: Path) -> None:
    for source, options in ((tiny_adapter, {"base_model": str(tiny_model)}), (resolve_adapter("embedded"), {})):
        folder = shutil.copytree(source, tmp_path / source.name, dirs_exist_ok=True)
        (folder / CONFIG).write_text(NESTED, "utf-8")
        assert f"{folder / CONFIG} is damaged" in told_of_adapter(folder, **options)


@pytest.mark.parametrize("scale", [10**400, 1e300, math.inf, math.nan], ids=["int", "float", "inf", "nan"])
def test_a_scale_beyond_all_numbers_is_told(tiny_model: Path, tiny_adapter: Path, tmp_path: Path, scale: float) -> None:
    for source, options in ((tiny_adapter, {"base_model": str(tiny_model)}), (resolve_adapter("embedded"), {})):
        folder = with_settings(source, tmp_path / str(len(options)), lora_alpha=scale)
        assert "damaged" in told_of_adapter(folder, **options)


def test_a_setting_that_peft_does_not_know_is_no_matter_of_the_users(
    tiny_model: Path, tiny_adapter: Path, tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    folder = with_settings(tiny_adapter, tmp_path / "adapter", of_a_later_peft=1)
    (found,) = LoraRewriter(LoraOptions(base_model=str(tiny_model), adapter=str(folder))).rewrite([TEXT])
    assert found.raw not in (None, "", TEXT)
    assert [str(each.message) for each in recwarn if "keyword" in str(each.message)] == []


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("count", [1, 9], ids=["few texts", "many texts"])
def test_an_adapter_whose_numbers_overflow_answers_nothing(tmp_path: Path, count: int) -> None:
    folder = with_settings(resolve_adapter("embedded"), tmp_path / "adapter", lora_alpha=1e30)
    texts = [f"{TEXT} {number}" for number in range(count)]
    with pytest.raises(ModelError, match=r"^The model gives no finite numbers: its weights .* damaged"):
        list(LoraRewriter(LoraOptions(adapter=str(folder))).rewrite(texts))


@pytest.mark.filterwarnings("error")
def test_a_detector_whose_numbers_overflow_judges_not_even_a_few_texts(tmp_path: Path) -> None:
    folder = with_settings(resolve_adapter("embedded", "detector"), tmp_path / "detector", lora_alpha=1e30)
    assert "gives no finite numbers" in told_of_detector(folder)


def test_a_calibration_beyond_all_numbers_is_told(tmp_path: Path) -> None:
    (tmp_path / CARD).write_text(json.dumps({"calibration": {"slope": 10**400}}), "utf-8")
    with pytest.raises(ModelError, match="not a slope above 0 and an intercept"):
        stored_calibration(tmp_path)
