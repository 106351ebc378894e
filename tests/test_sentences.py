"""Long lines are cut after sentences, and nothing of them is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnb.core.sentences import GROUP, sentence_groups
from gnb.models.detector import Detector
from gnb.models.options import ModelOptions
from gnb.rewriters.local.lines import join_lines, worded_lines
from gnb.rewriters.local.options import LoraOptions
from gnb.rewriters.lora import LoraRewriter

SENTENCE = "شورای شهر دیروز درباره بودجه سال آینده گفت‌وگو کرد."


def test_a_short_line_stays_whole() -> None:
    line = f"{SENTENCE} {SENTENCE}"
    assert sentence_groups(line) == [line]


@pytest.mark.parametrize("end", [". ", "! ", "؟ ", "؟!  ", "… ", "؛ ", ".» "])
def test_a_long_line_is_cut_behind_its_sentences(end: str) -> None:
    line = (SENTENCE.rstrip(".") + end) * 6
    groups = sentence_groups(line)
    assert len(groups) == 3
    assert all(len(group) <= GROUP and group.endswith(end) for group in groups)


@pytest.mark.parametrize("inner", ["3.5", "a.b", "ج.ا.ا", "https://example.org/a.b?c=d"])
def test_no_cut_is_made_inside_words_and_numbers(inner: str) -> None:
    line = f"{SENTENCE.rstrip('.')} {inner} " * 12
    assert sentence_groups(line) == [line]


@given(st.text(alphabet="اب .!؟\u200c\t«»؛", max_size=900))
def test_nothing_is_lost(line: str) -> None:
    assert "".join(sentence_groups(line)) == line


@given(st.text(alphabet="اب .؟\n\r\u2028", max_size=900))
def test_a_text_that_nothing_is_answered_to_comes_back(text: str) -> None:
    assert join_lines(text, {}).text == text
    assert all(part in text for part in worded_lines(text))


def test_one_biased_sentence_in_a_paragraph_is_found_and_the_rest_stays() -> None:
    biased = "دولتمردان باید قول مردانه بدهند."
    paragraph = f"{SENTENCE}  {SENTENCE} {biased} {SENTENCE}\t" * 2
    alone, found = Detector(ModelOptions(), "embedded").detect([f"{SENTENCE} {biased}", paragraph])
    assert found.probability >= 0.9
    assert (found.category, alone.category) == ("generic", "generic")
    with LoraRewriter(LoraOptions(detector="embedded")) as rewriter:
        (answer,) = rewriter.rewrite([paragraph])
    assert "دولتمردان" not in answer.text
    assert answer.text.count(SENTENCE) == 6
    assert answer.text.startswith(f"{SENTENCE}  {SENTENCE} ")
    assert answer.text.endswith(f" {SENTENCE}\t")
