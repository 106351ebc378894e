"""From what a model said to the neutral text, step by step."""

import pytest

from gnb.models.prompt import MARKER, PUBLISHED, split_template
from gnb.prompting.answers import Answer
from gnb.rewriters.local.asking import PlainAsking
from gnb.rewriters.local.postprocess import (
    after_marker,
    before_restart,
    clean_answer,
    drop_repeats,
    fold_spaces,
    runs_away,
)

INSTRUCTION = split_template(PUBLISHED)[0].strip()
TEXT = "هر کسی می‌تواند ۱۲ ساعت کار کند؛ نه؟ 👨‍👩‍👧 #کار @ali https://t.co/Ab1?x=۲"
BIASED = TEXT.replace("هر کسی", "هر مردی")


def clean(raw: str, text: str = "متن") -> str:
    return clean_answer(raw, text=text, marker=MARKER, instruction=INSTRUCTION)


def test_an_answer_keeps_letters_digits_punctuation_half_spaces_and_emoji():
    assert clean(TEXT, BIASED) == TEXT


def test_the_text_after_an_echoed_prompt_is_the_answer():
    assert after_marker(PUBLISHED.replace("{text}", "متن") + TEXT, MARKER) == "\n" + TEXT
    assert clean(PUBLISHED.replace("{text}", "متن") + TEXT, BIASED) == TEXT
    assert clean(f"{MARKER} {TEXT}", BIASED) == TEXT


def test_a_marker_behind_the_answer_does_not_hide_it():
    assert clean(f"{TEXT}\n{MARKER}\nجواب دوم", BIASED) == TEXT


@pytest.mark.parametrize("again", [MARKER, INSTRUCTION, "________", "\nمتن دیگری"])
def test_what_follows_a_fresh_start_is_cut(again: str):
    assert clean(f"{TEXT} {again} باز هم", BIASED) == TEXT


@pytest.mark.parametrize("own", [MARKER, INSTRUCTION, "________", f"________ {MARKER}", "  ", f"{TEXT}. {TEXT}."])
def test_what_the_text_holds_itself_is_kept(own: str):
    text, answer = f"زن {own} باز هم", f"آدم {own} باز هم"
    assert clean(text, text) == text
    assert clean(answer, text) == answer


def test_without_a_marker_nothing_is_taken_for_one():
    assert after_marker(TEXT, "") == before_restart(TEXT, "", "") == TEXT


def test_two_underlines_are_part_of_a_text():
    assert clean("نام __کاربری__ شما") == "نام __کاربری__ شما"


def test_spaces_are_folded_and_half_spaces_are_not():
    assert fold_spaces("  می‌روم \u00a0 به\tخانه  ") == "می‌روم به خانه"


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("همه می‌روند. همه می‌روند. همه می‌روند.", "همه می‌روند."),
        ("یک. دو. یک. دو. یک.", "یک. دو."),
        ("یک. دو. سه.", "یک. دو. سه."),
        ("نه نه نه", "نه نه نه"),
        ("", ""),
    ],
)
def test_repeated_answers_are_cut(raw: str, kept: str):
    assert drop_repeats(raw) == kept


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("همکار گرامی، مهندس؟ مهندس؟ مهندس؟ مه", True),
        ("چرا از اینترنت و از اینترنت و از اینترنت و از اینترنت و از", True),
        ("نه نه نه", True),
        ("خیلی خیلی زیبا بود", False),
        ("نه نه نه، نمی‌آید", False),
        ("خانه‌ها و خانه و خانه", False),
        ("", False),
    ],
)
def test_what_goes_round_in_circles_is_known(text: str, expected: bool):
    assert runs_away(text) is expected


def test_an_answer_that_was_cut_as_it_went_round_in_circles_is_none():
    asking = PlainAsking(PUBLISHED)
    circling = "همکار گرامی، مهندس؟ مهندس؟ مهندس؟ مه"
    assert asking.read(circling, "همکار گرامی، مهندس رضایی آمد.", cut=True) == Answer("truncated")
    assert asking.read("نه نه نه", "نه نه نه", cut=False) == Answer("answered", "نه نه نه")
    assert asking.read("همکار گرامی آ", "همکار گرامی آمد.", cut=True) == Answer("answered", "همکار گرامی آ")


@pytest.mark.parametrize("raw", ["", "   ", "\n\n", "________", MARKER])
def test_an_answer_without_text_is_empty(raw: str):
    assert clean(raw) == clean(raw, "#مرد") == ""


@pytest.mark.parametrize(
    ("raw", "text", "kept"),
    [
        ("آدم باش #آدم_باش", "مرد باش #مرد_باش", "آدم باش #مرد_باش"),
        ("@zan و @ali سلام", "@mard و @ali سلام", "@mard و @ali سلام"),
        ("ببین https://a.ir/x همه", "ببین https://a.ir/y مردها", "ببین https://a.ir/y همه"),
        ("آدم باش", "مرد باش #مرد", "آدم باش #مرد"),
        ("همه باش #ب", "مرد باش #الف #ب", "همه باش #الف #ب"),
        ("آدم باش. ببین #آدم", "مرد باش. ببین", "آدم باش. ببین"),
        ("#قوی بخند #آدم_قوی بخند", "#مرد_قوی بخند #زن #مرد", "#مرد_قوی بخند #زن #مرد"),
    ],
)
def test_hashtags_handles_and_links_stay_the_authors(raw: str, text: str, kept: str):
    assert clean(raw, text) == kept


@pytest.mark.parametrize(
    ("raw", "text", "kept"),
    [
        ("آدم باش 🫨🪿🪿.", "مرد باش 🫨🪿🫎.", "آدم باش 🫨🪿🫎."),
        ("تعمیرکار 🧑‍🔧 آمد 🪿", "مرد تعمیرکار 👨‍🔧 آمد 🫎", "تعمیرکار 🧑‍🔧 آمد 🫎"),
        ("آدم باش 🙋", "مرد باش 🙋‍♂️", "آدم باش 🙋"),
        ("آدم باش 💪", "مرد باش 💪💪", "آدم باش 💪"),
    ],
)
def test_emoji_stay_the_authors_but_those_of_women_and_men(raw: str, text: str, kept: str):
    assert clean(raw, text) == kept


@pytest.mark.parametrize(
    ("raw", "text", "kept"),
    [
        ("آدم باش. یک دو", "مرد باش. یک▁دو", "آدم باش. یک▁دو"),
        ("آدم باش یک", "مرد باش ▁▁ یک", "آدم باش ▁▁ یک"),
        ("آدم باش", "▁ مرد باش", "▁ مرد باش"),
    ],
)
def test_the_sign_that_a_tokenizer_takes_for_a_space_is_not_lost(raw: str, text: str, kept: str):
    assert clean(raw, text) == kept
