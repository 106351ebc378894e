"""Folded keys: equal for texts that differ in spelling alone, different for all others."""

import pytest

from gnb.core.text import comparison_key, fold, has_persian_letters


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("علي كتاب", "علی کتاب"),
        ("می‌رود", "میرود"),
        ("مُدیر", "مدیر"),
        ("٣ ۴ 5", "3 4 5"),
        ("کتـــاب", "کتاب"),
        ("مسئول مؤثر أمر", "مسیول موثر امر"),
        ("خانهٔ", "خانه"),
        ("آب", "آب"),
        ("ا\u0653ب", "آب"),
        ("\u200fA  b\u00a0\n", "a b"),
        ("ﻋﻠﻲ", "علی"),  # presentation forms, as old PDF files hold them
        ("👨‍👩‍👧", "👨👩👧"),
    ],
)
def test_spelling_that_carries_no_meaning_is_folded(text: str, folded: str) -> None:
    assert fold(text) == folded
    assert fold(folded) == folded


def test_a_key_ignores_where_words_are_spaced() -> None:
    assert comparison_key("می رود") == comparison_key("می‌رود") == comparison_key("ميرود")


@pytest.mark.parametrize("other", ["راننده زن", "راننده.", "رانندگان", "راننده 😂", "#راننده"])
def test_texts_that_differ_in_more_than_spelling_have_different_keys(other: str) -> None:
    assert comparison_key("راننده") != comparison_key(other)


@pytest.mark.parametrize("text", ["زن", "user: باشه 👍", "ﻋ", "ۀ", "گچپژ", "مكان المرأة", "hello و"])
def test_a_persian_letter_among_others_is_seen(text: str) -> None:
    assert has_persian_letters(text)


@pytest.mark.parametrize("text", ["", "hello", "Привет", "女人", "۱۲۳ ؟ ، ٪", "\u200c\u0651 ـ", "👩‍🚀"])
def test_other_scripts_digits_and_signs_are_no_persian_letters(text: str) -> None:
    assert not has_persian_letters(text)
