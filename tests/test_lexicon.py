"""The lexicon of edits: mined from pairs, kept in a file, and what it suggests."""

from pathlib import Path

import pytest

from gnb.core.errors import InputError
from gnb.core.lexicon import Lexicon, load_lexicon, mine_lexicon
from gnb.core.records import Example


def biased(number: int, text: str, neutral: str) -> Example:
    return Example(str(number), text, (neutral,), True, "generic")


EXAMPLES = [
    biased(1, "زن‌ها رانندگی بلد نیستند.", "بعضی‌ها رانندگی بلد نیستند."),
    biased(2, "زن‌ها در ریاضی ضعیف‌اند.", "بعضی‌ها در ریاضی ضعیف‌اند."),
    biased(3, "خانم دکتر احمدی آمد.", "دکتر احمدی آمد."),
    biased(4, "خانم مهندس رضایی رفت.", "مهندس رضایی رفت."),
    biased(5, "دولتمردان باید پاسخ بدهند.", "مقامات باید پاسخ بدهند."),
]


def test_words_that_change_twice_become_an_entry_with_its_share() -> None:
    lexicon = mine_lexicon(EXAMPLES)
    (suggestion,) = lexicon.suggest("به نظرم زن‌ها عجول‌اند.")
    assert suggestion.apply("به نظرم زن‌ها عجول‌اند.") == "به نظرم بعضی‌ها عجول‌اند."
    assert suggestion.share == pytest.approx(2 / 3)


def test_a_change_seen_once_is_no_entry() -> None:
    assert list(mine_lexicon(EXAMPLES).suggest("دولتمردان رفتند.")) == []


def test_dropped_words_leave_no_double_space() -> None:
    text = "از خانم معلم پرسیدم."
    (suggestion,) = mine_lexicon(EXAMPLES).suggest(text)
    assert suggestion.apply(text) == "از معلم پرسیدم."


def test_spelling_of_half_spaces_does_not_matter() -> None:
    assert [found.replacement for found in mine_lexicon(EXAMPLES).suggest("زن ها آمدند.")] == ["بعضی‌ها"]


def test_unbiased_texts_teach_nothing() -> None:
    unbiased = [Example(str(n), f"زن {n} رفت.", (f"زن {n} رفت.",), False, "none") for n in range(5)]
    assert mine_lexicon(unbiased).entries == {}


def test_a_saved_lexicon_suggests_the_same(tmp_path: Path) -> None:
    lexicon, path, text = mine_lexicon(EXAMPLES), tmp_path / "lexicon.tsv", "خانم دکتر و زن‌ها رفتند."
    lexicon.save(path)
    before, after = list(lexicon.suggest(text)), list(load_lexicon(path).suggest(text))
    assert [(s.start, s.end, s.replacement) for s in before] == [(s.start, s.end, s.replacement) for s in after]
    assert len(before) == 2


def test_the_same_examples_give_the_same_file(tmp_path: Path) -> None:
    mine_lexicon(EXAMPLES).save(tmp_path / "a")
    mine_lexicon(list(reversed(EXAMPLES))).save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "lexicon.tsv"
    Lexicon({"زن": {"آدم": 0.5}}).save(path)
    path.write_text(path.read_text("utf-8") + "زن\tآدم\n", "utf-8")
    with pytest.raises(InputError, match=r"lexicon\.tsv:3: an entry is words, replacement and share"):
        load_lexicon(path)


def test_spaces_elsewhere_stay_as_they_are() -> None:
    text = "هوا  خوب است . خانم دکتر آمد ."
    (suggestion,) = mine_lexicon(EXAMPLES).suggest(text)
    assert suggestion.apply(text) == "هوا  خوب است . دکتر آمد ."


@pytest.mark.parametrize(("text", "expected"), [("خانم!", "!"), ("خانم دکتر", "دکتر"), ("سلام خانم", "سلام")])
def test_what_is_dropped_takes_its_space_along(text: str, expected: str) -> None:
    (suggestion,) = mine_lexicon(EXAMPLES).suggest(text)
    assert suggestion.apply(text) == expected


@pytest.mark.parametrize("share", ["0", "-1", "nan", "inf", "2", "much"])
def test_a_share_that_is_none_is_named(tmp_path: Path, share: str) -> None:
    path = tmp_path / "lexicon.tsv"
    path.write_text(f"words\treplacement\tshare\nزن\tآدم\t{share}\n", "utf-8")
    with pytest.raises(InputError, match=r"lexicon\.tsv:2: an entry is words"):
        load_lexicon(path)


def test_white_space_in_a_reference_breaks_no_file(tmp_path: Path) -> None:
    pairs = [biased(number, f"زن‌ها {number} نفرند.", f"هر\t\u2028کسی {number} نفرند.") for number in range(2)]
    mine_lexicon(pairs).save(tmp_path / "lexicon.tsv")
    (suggestion,) = load_lexicon(tmp_path / "lexicon.tsv").suggest("زن‌ها")
    assert suggestion.replacement == "هر کسی"
