"""What the lexicon of an adapter does to its answers."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from gnb.core.lexicon import Lexicon
from gnb.models.loading import load_tokenizer
from gnb.models.prompt import Prompt
from gnb.rewriters.local.hints import hints_of
from gnb.rewriters.local.options import LoraOptions
from gnb.rewriters.lora import LoraRewriter

TEXT = "کار مرد نیست که خانه را مرتب کند"
WORDS = Lexicon({"مرد": {"هر کسی": 0.5, "آدم": 0.02}})


@pytest.fixture
def prompt(tiny_model: Path) -> Prompt:
    return Prompt("{text}\n", load_tokenizer(str(tiny_model)))


@pytest.fixture
def adapter(tiny_adapter: Path, tmp_path: Path) -> Path:
    """An adapter with a lexicon."""
    folder = tmp_path / "adapter"
    shutil.copytree(tiny_adapter, folder)
    WORDS.save(folder / "lexicon.tsv")
    return folder


def answer(tiny_model: Path, adapter: Path, **options: Any) -> str | None:
    """Return what the model said; of a model with random weights that is mostly no usable answer."""
    values = {"base_model": str(tiny_model), "adapter": str(adapter), "device": "cpu", "copy_bonus": 20.0, **options}
    with LoraRewriter(LoraOptions.model_validate(values)) as rewriter:
        return next(iter(rewriter.rewrite([TEXT]))).raw


def test_an_edit_gains_where_it_begins_and_by_its_share(prompt: Prompt) -> None:
    hints = hints_of(TEXT, WORDS, prompt.tokens_of, end=1, weight=2.0)
    source, edited = prompt.tokens_of(TEXT), prompt.tokens_of("کار هر کسی نیست که خانه را مرتب کند")
    place = next(place for place, token in enumerate(source) if token != edited[place])
    assert hints[place][edited[place]] == pytest.approx(2 * 3.2189, abs=1e-3)  # log(0.5 / 0.02)
    assert sorted(gain for gains in hints.values() for gain in gains.values())[0] == 0


def test_a_text_without_entries_gets_no_hints(prompt: Prompt) -> None:
    assert hints_of("باران می‌بارد", WORDS, prompt.tokens_of, end=1, weight=2.0) == {}


def test_the_lexicon_leads_an_answer_to_its_edit(tiny_model: Path, adapter: Path) -> None:
    copied = answer(tiny_model, adapter)
    led = answer(tiny_model, adapter, lexicon_bonus=10.0)
    assert copied == TEXT
    assert led
    assert led.startswith("کار ")
    assert not led.startswith("کار مرد")


def test_the_lexicon_is_part_of_the_fingerprint(tiny_model: Path, adapter: Path) -> None:
    def fingerprint(bonus: float) -> Any:
        values = {"base_model": str(tiny_model), "adapter": str(adapter), "lexicon_bonus": bonus}
        return LoraRewriter(LoraOptions.model_validate(values)).fingerprint()

    before = fingerprint(1.0)
    assert before != fingerprint(2.0)
    Lexicon({"مرد": {"آدم": 0.5}}).save(adapter / "lexicon.tsv")
    assert fingerprint(1.0) != before
    assert fingerprint(0.0)["lexicon"] is None
