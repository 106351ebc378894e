"""The alignment of two texts: which words changed."""

import re
from collections.abc import Callable
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnb.core.edits import Edit, changed_spans, edits, whole_word_edits

TEXTS = st.lists(
    st.sampled_from(["زن", "ها", "می‌رود", "میرود", "،", ".", "👨‍👩‍👧", "x1", "#زن_روز"]), max_size=8
).flatmap(lambda words: st.sampled_from([" ".join(words), "\u200c".join(words), "  ".join(words)]))


def changed(source: str, target: str) -> list[tuple[str, str]]:
    return [
        (source[edit.source_start : edit.source_end], target[edit.target_start : edit.target_end])
        for edit in edits(source, target)
    ]


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("یک راننده زن آمد", "یک راننده آمد", [("زن", "")]),
        ("همه رانندگی کنند.", "همه خوب رانندگی کنند.", [("", "خوب")]),
        ("زن‌ها صبورند و مردها قوی", "بعضی‌ها صبورند و بعضی‌ها قوی", [("زن", "بعضی"), ("مردها", "بعضی‌ها")]),
        ("قول مردانه داد", "قول محکم داد", [("مردانه", "محکم")]),
        ("او زن بد اخلاقی است", "او آدم خوش برخوردی است", [("زن بد اخلاقی", "آدم خوش برخوردی")]),
        ("یک 👨‍👩‍👧 آمد", "یک 👩‍👧 آمد", [("👨‍👩‍👧", "👩‍👧")]),
        ("خوب است.", "خوب است!", [(".", "!")]),
        ("", "سلام", [("", "سلام")]),
        ("سلام", "", [("سلام", "")]),
    ],
)
def test_changes_are_whole_words(source: str, target: str, expected: list[tuple[str, str]]) -> None:
    assert changed(source, target) == expected


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("می‌روم", "می روم"),
        ("می‌روم", "میروم"),
        ("كتاب علي", "کتاب علی"),
        ("سال ۱۴۰۳", "سال 1403"),
        ("مُعَلِّم", "معلم"),
        ("سلام…", "سلام..."),
        ("سلام ،خوبی", "سلام، خوبی"),
        ("  سلام \n", "سلام"),
        ("", "\u200c"),
    ],
)
def test_spelling_and_spacing_are_no_edits(source: str, target: str) -> None:
    assert edits(source, target) == []
    assert edits(target, source) == []


def test_spelling_beside_a_change_is_left_out_of_it() -> None:
    assert changed("هر زن می‌رود خانه", "هر فرد میرود خانه") == [("زن", "فرد")]


def test_links_and_hashtags_are_one_word() -> None:
    source, target = "ببین https://t.co/Ab?x=1 #زن_روز", "ببین https://t.co/Zz #روز"
    assert changed(source, target) == [("https://t.co/Ab?x=1 #زن_روز", "https://t.co/Zz #روز")]


@pytest.mark.parametrize("find", [edits, whole_word_edits])
@given(source=TEXTS, target=TEXTS)
def test_applying_the_edits_gives_the_target_but_for_spacing(
    find: Callable[[str, str], list[Edit]], source: str, target: str
) -> None:
    from gnb.core.text import comparison_key

    pieces, place = [], 0
    for edit in find(source, target):
        pieces += [source[place : edit.source_start], target[edit.target_start : edit.target_end]]
        place = edit.source_end
    assert comparison_key("".join([*pieces, source[place:]])) == comparison_key(target)


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("یک راننده زن آمد", "یک راننده آمد", ["زن"]),
        ("زن باید صبور باشد، مرد هم", "آدم باید صبور باشد، او هم", ["زن", "مرد"]),
        ("خانم‌ها دیر می‌رسند", "بعضی‌ها دیر می‌رسند", ["خانم‌ها"]),
        ("همه رانندگی کنند.", "همه خوب رانندگی کنند.", ["رانندگی"]),
        ("او می‌رود.", "او می‌رود خانه.", ["می‌رود"]),
        ("او رفت", "او رفت خانه", ["رفت"]),
        ("او رفت", "گفت او آمد رفت", ["او", "رفت"]),
        ("زن رفت", "زن نیز رفت خانه", ["رفت"]),
        ("😂", "😂 خنده", ["😂"]),
        ("مي‌رود", "می رود", []),
        ("", "تازه", [""]),
    ],
)
def test_the_changed_words_of_a_text_are_found(source: str, target: str, expected: list[str]) -> None:
    assert [source[start:end] for start, end in changed_spans(source, target)] == expected


@given(TEXTS, TEXTS)
def test_changed_spans_are_in_order_and_apart(source: str, target: str) -> None:
    places = [place for span in changed_spans(source, target) for place in span]
    assert places == sorted(places)
    assert bool(places) == bool(edits(source, target))


@given(TEXTS, TEXTS)
def test_what_a_reader_sees_changed_is_whole_words(source: str, target: str) -> None:
    found = whole_word_edits(source, target)
    assert bool(found) == bool(edits(source, target))
    ends = [(edit.source_start, edit.source_end) for edit in found]
    new_ends = [(edit.target_start, edit.target_end) for edit in found]
    for text, places in ((source, chain(*ends)), (target, chain(*new_ends))):
        words = [match.span() for match in re.finditer(r"\w+(\u200c+\w+)*", text)]
        assert not [place for place in places if any(start < place < end for start, end in words)]
