"""Edits that the model is unsure of: how sure it is of each, and what is left of an answer without them."""

from itertools import accumulate
from math import inf, log
from pathlib import Path
from typing import Any

import pytest
import torch

from gnb.core.edits import whole_word_edits
from gnb.core.records import Rewrite
from gnb.models.loading import load_tokenizer
from gnb.models.prompt import PUBLISHED, Prompt
from gnb.rewriters.base import BaseRewriter
from gnb.rewriters.local.asking import PlainAsking
from gnb.rewriters.local.decoders import decode_changed
from gnb.rewriters.local.doubts import Weighed, without_doubtful
from gnb.rewriters.local.finishing import Finisher
from gnb.rewriters.local.lines import Line
from gnb.rewriters.local.options import LocalOptions, LoraOptions
from gnb.rewriters.local.rows import Decoded
from gnb.rewriters.lora import LoraRewriter

TEXTS = [
    "خانم دکتر تصمیم نهایی را به آقایان جراح بسپارند.",
    "مهمان که می‌آید، دخترها چای بیاورند و پسرها کنار پدرشان بنشینند.",
    "مرد مجرد بالای چهل سال خوش‌گذران است و زن مجرد بالای چهل سال روی دست مانده.",
    "هوا امروز خوب است.",
    "واسه فروش لوازم یدکی دنبال پسر بگرد؛ دختر چه می‌دونه سرسیلندر چیه!",
]
SOURCE = "خانم دکتر، تصمیم را به آقایان جراح بسپارند."
ANSWER = "دکتر، تصمیم را به افراد جراح بسپارد."


def weigh(least: float, **chances: float) -> Weighed:
    """Weigh an answer whose words are tokens, each with the space before it; those not named are certain."""
    words = ANSWER.split(" ")
    ends = list(accumulate((len(word) + (place > 0) for place, word in enumerate(words)), initial=0))[1:]
    return without_doubtful(SOURCE, ANSWER, ends, [log(chances.get(word, 1.0)) for word in (*words, "")], least)


def test_a_doubtful_edit_is_taken_back_and_the_others_stay() -> None:
    found = weigh(0.3, افراد=0.2, **{"دکتر،": 0.9, "بسپارد.": 0.6})
    assert found.text == "دکتر، تصمیم را به آقایان جراح بسپارد."
    assert found.chance == pytest.approx(0.6)


def test_words_that_were_left_out_come_back_with_their_space() -> None:
    found = weigh(0.3, افراد=0.8, **{"دکتر،": 0.1})
    assert found.text == "خانم دکتر، تصمیم را به افراد جراح بسپارد."
    assert found.chance == pytest.approx(0.8)


def test_the_surest_edit_stays_however_doubtful() -> None:
    found = weigh(1.0, افراد=0.1, **{"دکتر،": 0.2, "بسپارد.": 0.05})
    assert found.text == "دکتر، تصمیم را به آقایان جراح بسپارند."
    assert found.chance == pytest.approx(0.2)


def test_a_threshold_of_0_keeps_all_and_tells_the_least_sure() -> None:
    assert weigh(0.0, افراد=0.01) == Weighed(ANSWER, pytest.approx(0.01))


def test_words_that_were_added_go_with_their_space() -> None:
    source, answer = "او آمد و رفت.", "او دیروز آمد و رفته است."
    ends = [2, 8, 12, 14, 19, 23, 24]
    assert answer[:19].endswith("رفته")
    chances = [0.0, log(0.1), 0.0, 0.0, log(0.9), 0.0, 0.0, 0.0]
    assert without_doubtful(source, answer, ends, chances, 0.5).text == "او آمد و رفته است."


def test_what_is_missing_since_the_answer_was_cut_off_comes_back() -> None:
    found = without_doubtful("الف ب ج د", "الف ت ج", [3, 5, 7], [0.0, log(0.2), 0.0], 0.5)
    assert found.text == "الف ت ج د"
    assert found.chance == pytest.approx(0.2)


def test_neighbours_that_both_come_back_keep_one_space_between_them() -> None:
    source, answer = "خانه‌دار زن آمد و رفت", "کاخ‌دار مرد آمد و دوید"
    chances = [log(0.1), log(0.1), 0.0, 0.0, log(0.9), 0.0]
    assert without_doubtful(source, answer, [7, 11, 15, 17, 22], chances, 0.5).text == "خانه‌دار زن آمد و دوید"


def test_all_parts_of_a_character_count() -> None:
    found = without_doubtful("الف کت ب", "الف کد ب", [3, 5, 6, 6, 8], [0.0, 0.0, log(0.9), log(0.1), 0.0, 0.0], 0.0)
    assert found.chance == pytest.approx(0.09)


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return load_tokenizer("embedded")


def finish(tokenizer: Any, text: str, raw: str, chances: dict[str, float], least: float) -> Rewrite:
    """Finish an answer whose tokens are certain but for those that the pieces of `chances` begin."""
    tokens = tokenizer.encode(raw, add_special_tokens=False)
    pieces = [tokenizer.decode([token]).strip() for token in tokens]
    decoded = Decoded(tokens, None, [log(chances.get(piece, 1.0)) for piece in pieces] + [0.0])
    line = Line(text, tokenizer.encode(text, add_special_tokens=False), [], [], 999)
    finisher = Finisher(PlainAsking(PUBLISHED), tokenizer, least)
    return finisher.finish([line], [decoded])[text]


@pytest.mark.parametrize("junk", ["", " ____ متن", "\nمتن بدون بایاس جنسیتی: پزشک"])
def test_what_is_cut_off_an_answer_is_no_edit(tokenizer: Any, junk: str) -> None:
    found = finish(tokenizer, "پزشک گفت که مرد آمد.", f"پزشک گفت که فرد آمد.{junk}", {"فرد": 0.3}, 0.5)
    assert found.text == "پزشک گفت که فرد آمد."
    assert found.details["edit_probability"] == pytest.approx(0.3)


def test_an_address_that_is_put_right_again_is_no_edit(tokenizer: Any) -> None:
    found = finish(tokenizer, "سایت @ali_x را ببین", "سایت @ali_y را ببین", {}, 0.0)
    assert found.text == "سایت @ali_x را ببین"
    assert "edit_probability" not in found.details


def test_an_emoji_of_several_tokens_hides_no_edit(tokenizer: Any) -> None:
    text, raw = "🪿 ژاله 🫩", "🪿 و 🫩"
    assert len(tokenizer.encode("🪿", add_special_tokens=False)) > 1
    found = finish(tokenizer, text, raw, {"و": 0.1}, 0.0)
    assert found.details["edit_probability"] == pytest.approx(0.1)


def test_with_a_bonus_on_copying_no_probability_exceeds_1() -> None:
    options = {"detector": "embedded", "threshold": 0.0, "copy_bonus": 12.0, "dtype": "float32"}
    with LoraRewriter(LoraOptions(**options)) as rewriter:
        answers = list(rewriter.rewrite(TEXTS))
    assert all(0 <= answer.details["edit_probability"] <= 1 for answer in answers)


def test_an_answer_that_differs_in_spelling_alone_has_no_edit() -> None:
    assert without_doubtful("می رود", "می‌رود", [6], [log(0.1), 0.0], 0.5) == Weighed("می‌رود", None)


@pytest.fixture(scope="module")
def answers() -> dict[float, list[Rewrite]]:
    """The embedded adapter's answers, one by one in numpy, with several thresholds."""
    found = {}
    for threshold in (0.0, 1.0):
        options = LoraOptions(detector="embedded", edit_threshold=threshold, dtype="float32")
        with LoraRewriter(options) as rewriter:
            found[threshold] = list(rewriter.rewrite(TEXTS))
    return found


def test_with_a_threshold_of_1_each_line_keeps_its_surest_edit_alone(answers: dict[float, list[Rewrite]]) -> None:
    whole, sure = answers[0.0], answers[1.0]
    counts = [
        [len(whole_word_edits(text, answer.text)) for text, answer in zip(TEXTS, found, strict=True)]
        for found in (whole, sure)
    ]
    assert max(counts[0]) > 1
    assert counts[1] == [min(count, 1) for count in counts[0]]
    assert [answer.raw for answer in whole] == [answer.raw for answer in sure]  # what the model said is kept


def test_an_answer_tells_how_sure_its_least_sure_edit_is(answers: dict[float, list[Rewrite]]) -> None:
    for text, whole, sure in zip(TEXTS, answers[0.0], answers[1.0], strict=True):
        assert ("edit_probability" in whole.details) == (whole.text != text)
        if whole.text != text:
            assert 0 < whole.details["edit_probability"] <= sure.details["edit_probability"] <= 1


def test_of_several_lines_the_least_sure_edit_counts(answers: dict[float, list[Rewrite]]) -> None:
    with LoraRewriter(LoraOptions(detector="embedded", dtype="float32")) as rewriter:
        (found,) = rewriter.rewrite(["\n".join(TEXTS[:3])])
    assert found.text == "\n".join(answer.text for answer in answers[0.0][:3])
    least = min(answer.details["edit_probability"] for answer in answers[0.0][:3])
    assert found.details["edit_probability"] == pytest.approx(least, abs=1e-3)


def test_without_guided_decoding_no_edit_is_weighed(tiny_model: Path, tiny_adapter: Path) -> None:
    options = {"base_model": str(tiny_model), "adapter": str(tiny_adapter), "dtype": "float32", "decoding": "plain"}
    found = []
    for threshold in (0.0, 1.0):
        with LoraRewriter(LoraOptions(**options, edit_threshold=threshold)) as rewriter:
            found.append(list(rewriter.rewrite(TEXTS)))
    assert found[0] == found[1]
    assert not any("edit_probability" in answer.details for answer in found[0])


def test_the_fingerprint_tells_thresholds_apart() -> None:
    records = [LoraRewriter(LoraOptions(edit_threshold=threshold)).fingerprint() for threshold in (0.0, 0.4)]
    assert records[0] != records[1]


def decoder_of(rewriter: Any) -> tuple[Any, list[list[int]], list[int]]:
    """Return a rewriter's decoder, the texts in tokens, and limits."""
    prompt = Prompt(PUBLISHED, rewriter._loaded.tokenizer)
    sources = [prompt.tokens_of(text) for text in TEXTS]
    return rewriter._decoder, sources, [2 * len(source) for source in sources]


@pytest.mark.parametrize("first_draft", [None, 3])
def test_probabilities_are_those_of_one_pass_over_the_whole_answer(tiny_model: Path, first_draft: int | None) -> None:
    with BaseRewriter(LocalOptions(base_model=str(tiny_model), dtype="float32", output_layer="full")) as rewriter:
        decoder, sources, limits = decoder_of(rewriter)
        found = decoder.decode(sources, limits, first_draft=first_draft)
        for source, decoded in zip(sources, found, strict=True):
            prompt = [*decoder.frame.before, *source, *decoder.frame.after]
            with torch.inference_mode():
                tokens = torch.tensor([[*prompt, *decoded.tokens]])
                states = decoder.model.get_decoder()(input_ids=tokens).last_hidden_state[0, len(prompt) - 1 :]
                expected = decoder.layer.logits(states).log_softmax(-1)
            chosen = [float(expected[place, token]) for place, token in enumerate(decoded.tokens)]
            assert decoded.chances is not None
            assert decoded.chances[: len(chosen)] == pytest.approx(chosen, abs=1e-3)
            assert len(decoded.chances) - len(chosen) in (0, 1)  # one more where the answer was ended, not cut off


def test_short_first_drafts_change_no_answer(tiny_model: Path, tiny_adapter: Path) -> None:
    options = LoraOptions(base_model=str(tiny_model), adapter=str(tiny_adapter), dtype="float32")
    with LoraRewriter(options) as rewriter:
        decoder, sources, limits = decoder_of(rewriter)
        whole = [found.tokens for found in decoder.decode(sources, limits)]
        assert [found.tokens for found in decoder.decode(sources, limits, first_draft=3)] == whole
        copied = [*sources, *whole]  # an untrained model repeats some of its own answers
        limits = [2 * len(source) for source in copied]
        forced = [found.tokens for found in decoder.decode(copied, limits, -inf)]
        assert [found.tokens for found in decode_changed(decoder, copied, limits)] == forced


def test_forced_changes_of_the_embedded_adapter_are_those_of_whole_drafts() -> None:
    neutral = ["هوا امروز خوب است.", "کتاب روی میز است.", "فردا جلسه ساعت نه شروع می‌شود."]
    with LoraRewriter(LoraOptions(dtype="float32")) as rewriter:
        rewriter._few = False
        prompt = Prompt(rewriter.template(), rewriter._loaded.tokenizer)
        sources = [prompt.tokens_of(text) for text in [*neutral, *TEXTS]]
        limits = [2 * len(source) for source in sources]
        greedy = [found.tokens for found in rewriter._decoder.decode(sources, limits)]
        assert greedy[:3] == sources[:3]
        found = decode_changed(rewriter._decoder, sources, limits)
        whole = rewriter._decoder.decode(sources, limits, -inf)
    assert [each.tokens for each in found] == [each.tokens for each in whole]
    for one, other in zip(found, whole, strict=True):
        assert one.chances == pytest.approx(other.chances, abs=1e-2)
