"""hazm's rules, rewritten for speed: text for text what hazm's own normaliser makes."""

import random
from collections.abc import Callable
from functools import cache
from itertools import islice
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gnb.core import hazm_rules
from gnb.sources.bundled import BundledOptions, BundledSource

RULES = ("alphabet", "style", "digits", "diacritics", "spacing", "symbols", "repeats")
CHARACTERS = (
    " \n\t\r\u200cـ.:!؟?،؛»«()[]{}\"'/\\-+_@#12۳٤%آابپتثهویکگرنمسشلaZ😊يكىڪﻼﷲﷰ﷼﷽ﷺ\u064b\u0651\u0670\u0605“”\u00a0"
)
WORDS = (
    "... .... ههه سلاممممم گفتممم می نمی ها های هایی تر ترین گر گری ه ی ام اند است ات ول کن کتاب خانه روم رود رفته شده "
    "مان هایشان جمعهها لرزه زمین 3.5 12:30 بزرگ زن مرد که به"
)
PIECES = (*CHARACTERS, *WORDS.split(), "ه ی ", "   ", "\n\n\n\n", "\u200c\u200c", " ", " ", " ")
TEXTS = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)


@cache
def normalizer() -> Any:
    from hazm import Normalizer

    return Normalizer()


def hazm_rule(rule: str) -> Callable[[str], str]:
    """Return the part of hazm's `normalize` that a rule stands for."""
    from hazm.constants import TRANSLATION_DST, TRANSLATION_SRC
    from hazm.utils import maketrans

    theirs = normalizer()
    return {
        "alphabet": lambda text: text.translate(maketrans(TRANSLATION_SRC, TRANSLATION_DST)),
        "style": theirs.persian_style,
        "digits": theirs.persian_number,
        "diacritics": theirs.remove_diacritics,
        "spacing": theirs.correct_spacing,
        "symbols": lambda text: theirs.remove_specials_chars(theirs.unicodes_replacement(text)),
        "repeats": theirs.decrease_repeated_chars,
    }[rule]


@pytest.mark.parametrize("rule", RULES)
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(text=TEXTS)
def test_each_rule_makes_what_hazm_makes_of_any_mixture(rule: str, text: str) -> None:
    assert getattr(hazm_rules, rule)(text) == hazm_rule(rule)(text)


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_makes_what_hazm_makes_of_the_bundled_texts(rule: str) -> None:
    texts = [example.text for example in BundledSource(BundledOptions()).read(print)]
    texts = random.Random(0).sample(texts, 150)
    ours, theirs = getattr(hazm_rules, rule), hazm_rule(rule)
    assert [ours(text) for text in texts] == [theirs(text) for text in texts]


def test_all_rules_in_turn_are_hazms_normaliser_without_its_verbs() -> None:
    for example in islice(BundledSource(BundledOptions()).read(print), 0, None, 15):
        ours = text = example.text
        for rule in RULES:
            ours = getattr(hazm_rules, rule)(ours)
        assert normalizer().seperate_mi(ours) == normalizer().normalize(text)
