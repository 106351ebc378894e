import gnb_lexicon
import pytest
from gnb_lexicon.rewriter import LexiconOptions, LexiconRewriter

from gnb.plugins import conformance


def neutral(text: str, **options: object) -> str:
    [answer] = LexiconRewriter(LexiconOptions.model_validate(options)).rewrite([text])
    return answer.text


def test_the_plugin_keeps_the_contract() -> None:
    registry = conformance.check_plugin(gnb_lexicon)
    assert list(registry.components["rewriter"]) == ["lexicon"]


def test_the_rewriter_keeps_the_contract() -> None:
    answers = conformance.check_rewriter(LexiconRewriter(LexiconOptions()))
    assert answers[0].text == "مقامات باید قول محکم بدهند."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("او مرد عمل است.", "او اهل عمل است."),
        ("رفتارش ناجوانمردانه بود، نه جوانمردانه.", "رفتارش بی‌رحمانه بود، نه منصفانه."),
        ("«دولتمردان» آمدند!", "«مقامات» آمدند!"),
        ("خانم دکتر احمدی رسید.", "دکتر احمدی رسید."),
    ],
)
def test_generics_get_the_neutral_word(text: str, expected: str) -> None:
    assert neutral(text) == expected


@pytest.mark.parametrize("text", ["مردم آمدند.", "نامرد‌ها", "خانم احمدی رسید.", ""])
def test_other_words_stay(text: str) -> None:
    assert neutral(text) == text


def test_extra_words_go_first() -> None:
    assert neutral("دولتمردان آمدند.", extra={"دولتمردان": "مسئولان"}) == "مسئولان آمدند."
