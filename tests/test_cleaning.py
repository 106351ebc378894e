"""Cleaning: what each rule does, what it leaves alone, and that the default set damages nothing."""

import pytest

from gnb.core.cleaning import Cleaner, CleaningOptions, parse_rules
from gnb.core.errors import SettingsError

ZWNJ, ZWJ = "\u200c", "\u200d"


def clean(text: str, rule_set: str = "careful", **rules: bool) -> str:
    return Cleaner(CleaningOptions.named(rule_set, rules)).clean(text)[0]  # type: ignore[arg-type]


def only(rule: str, text: str) -> str:
    return clean(text, "none", **{rule: True})


@pytest.mark.parametrize(
    ("rule", "before", "after"),
    [
        ("links", "ببین https://t.co/Ab12?x=1، خب", "ببین ، خب"),
        ("links", "سایت example.com/a و www.ir.ir.", "سایت  و ."),
        ("mails", "به ali.b@example.com بنویس", "به  بنویس"),
        ("mentions", "سلام @user_12 و @علی", "سلام  و "),
        ("hashtags", "روز #زن_۱۴۰۱ و #می‌توانیم.", "روز  و ."),
        ("emoji", "خوب 👨‍👩‍👧 ❤️ 1️⃣ 🏴󠁧󠁢󠁥󠁮󠁧󠁿 🇮🇷 👍🏽 5 © ﷼ ﷺ", "خوب       5 © ﷼ ﷺ"),
        ("control", "a\x00b\x1b\x9f\ufffe\tc\n", "ab\tc\n"),
        ("invisible", "\ufeffسلا\u200bم\u200f \u202bدنیا\u202c", "سلام دنیا"),
        (
            "invisible",
            f"می{ZWNJ}روم 👨{ZWJ}👩{ZWJ}👧 ه{ZWJ}.ش a{ZWJ}b ❤\ufe0f",
            f"می{ZWNJ}روم 👨{ZWJ}👩{ZWJ}👧 ه{ZWJ}.ش ab ❤\ufe0f",
        ),
        ("letters", "علي و كتاب موسى", "علی و کتاب موسی"),
        ("kashida", "ســلام دنیـا و ـها", "سلام دنیا و ـها"),
        ("alphabet", "ﺳﻼم ڪتاب", "سﻼم کتاب"),
        ("style", 'گفت "برو" ... 3.5', "گفت «برو» … 3٫5"),
        ("digits", "5 و ٦ و 7%", "۵ و ۶ و ۷٪"),
        ("diacritics", "حَذفِ معمولاً", "حذف معمولا"),
        ("spacing", "ول کن بابا ،باشه", f"ول{ZWNJ}کن بابا، باشه"),
        ("symbols", "۵ ﷼ ﷺ", "۵ ریال "),
        ("repeats", "سلاممممم", "سلام"),
        ("verbs", "میروم و نمی روند، میدان و میز", f"می{ZWNJ}روم و نمی{ZWNJ}روند، میدان و میز"),
        ("affixes", "گربه های شایع ترین، رفته اند", f"گربه{ZWNJ}های شایع{ZWNJ}ترین، رفته{ZWNJ}اند"),
        ("half_spaces", f"{ZWNJ}می{ZWNJ}{ZWNJ}روم{ZWNJ} خانه{ZWNJ}", f"می{ZWNJ}روم خانه"),
        ("spaces", "  یک\u00a0 \tدو \r\n\n\n\n سه ", "یک دو\n\nسه"),
    ],
)
def test_each_rule_does_its_own_work(rule: str, before: str, after: str) -> None:
    assert only(rule, before) == after


def test_every_rule_is_tested_above() -> None:
    marks = test_each_rule_does_its_own_work.pytestmark  # type: ignore[attr-defined]
    assert {case[0] for case in marks[0].args[1]} == set(CleaningOptions.model_fields)


@pytest.mark.parametrize(
    "text",
    [
        f"می{ZWNJ}روم و خانه{ZWNJ}ی ما",
        "۱۲ و 12 و ١٢، 3.5 درصد، ساعت ۸:۳۰، 50%",
        "https://t.co/Ab12?x=1&ي=ك example.com/a_b user.name+x@mail.example.ir",
        "#زن_۱۴۰۱ #برابری" + ZWNJ + "جنسیتی #ي",
        "@user_12 @علي",
        "👨‍👩‍👧 👩🏽‍⚕️ 🏳️‍🌈 🇮🇷 🏴󠁧󠁢󠁥󠁮󠁧󠁿 1️⃣ ❤️‍🔥",
        "معمولاً، قبلاً، مؤسسه، مسئله، خانۀ ما، ﷼ ﷺ",
        "ول کن بابا. چوب تر. ماه می سال بعد. زنی ها، که ای دوست",
        'گفت: "برو" ... 😊:) سلاممم!!',
        "در کتاب\nدو خط",
        "\ue000 خصوصی 😊 \ue000",
    ],
)
def test_the_default_damages_nothing(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize("text", ["", " ", "😀", "\u200c", "a" * 5000, "@", "#", "https://", "@@@ ###", "1.2.3.com"])
def test_odd_texts_survive_every_rule_set(text: str) -> None:
    for rule_set in ("careful", "published"):
        cleaned = clean(text, rule_set)
        assert clean(cleaned, rule_set) == cleaned


def test_atoms_stay_byte_for_byte_under_all_of_hazm() -> None:
    atoms = "@user_12 https://t.co/Ab12?x=1 #زن_۱۴۰۱ a.b@example.com"
    assert clean(f"سلام {atoms} ...", "published") == f"سلام {atoms} …"


def test_the_published_set_equals_hazm() -> None:
    from hazm import Normalizer

    normalizer = Normalizer()
    texts = [
        "اِعلاممممم کَرد : « زمین لرزه ای به بُزرگیِ 6 دهم ریشتر ...»",
        "جمعهها که کار نمی کنم مطالعه می کنم",
        'او گفت "نمیدانم" و 10.450 ﷼ داد، ول کن',
        "ﺳﻼم ڪتاب معمولاً",
    ]
    assert [clean(text, "published") for text in texts] == [normalizer.normalize(text) for text in texts]


def test_steps_name_the_rules_that_changed_something() -> None:
    steps = Cleaner(CleaningOptions()).clean("علي  رفت 😊")[1]
    assert [(step.rule, step.before, step.after) for step in steps] == [
        ("letters", "علي  رفت 😊", "علی  رفت 😊"),
        ("spaces", "علی  رفت 😊", "علی رفت 😊"),
    ]


def test_switches_are_read_and_unknown_rules_named() -> None:
    assert parse_rules(["emoji=on", "half-spaces=off"]) == {"emoji": True, "half_spaces": False}
    with pytest.raises(SettingsError, match=r"write NAME=on or NAME=off"):
        parse_rules(["emoji=yes"])
    with pytest.raises(SettingsError, match=r"no rule 'emojy'. Did you mean 'emoji'"):
        CleaningOptions.named("careful", {"emojy": True})
