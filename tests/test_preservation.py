"""The metric `preservation`: what must survive a rewrite."""

import pytest

from gnb.core.options import Options
from gnb.core.records import Example, Segment
from gnb.metrics.preservation import PreservationMetric

TWEET = "@user_12 خانم دکتر مرادی با PS5 و ۳ نفر https://t.co/Ab12?x=1، #زن_روز 👨‍👩‍👧 😂😂"


def judge(text: str, output: str, *references: str) -> dict[str, float | None]:
    metric = PreservationMetric(Options())
    return dict(metric.score(metric.count([Segment(Example("1", text, references, True), output)])))


def test_a_copy_keeps_everything() -> None:
    scores = judge(TWEET, TWEET)
    wanted = {key.removeprefix("wanted_"): scores[key] for key in scores if key.startswith("wanted_")}
    assert wanted == {"links": 1, "mentions": 1, "hashtags": 1, "names": 2, "numbers": 1, "emoji": 3}
    assert scores["kept"] == 1


@pytest.mark.parametrize(
    ("old", "new", "kind", "share"),
    [
        ("Ab12?x=1", "ab12?x=1", "links", 0),
        ("@user_12", "@user_13", "mentions", 0),
        ("#زن_روز", "#روز", "hashtags", 0),
        ("مرادی", "مرادی‌ها", "names", 1),
        ("مرادی", "احمدی", "names", 0.5),
        ("خانم دکتر مرادی", "دکتر مرادی", "names", 1),
        ("PS5", "ps5", "names", 1),
        ("۳ نفر", "3 نفر", "numbers", 1),
        ("۳ نفر", "۳۳ نفر", "numbers", 0),
        ("👨‍👩‍👧", "👨‍👩‍👦", "emoji", 2 / 3),
        ("😂😂", "😂", "emoji", 2 / 3),
    ],
)
def test_each_kind_is_compared_as_a_whole(old: str, new: str, kind: str, share: float) -> None:
    scores = judge(TWEET, TWEET.replace(old, new))
    assert scores[f"kept_{kind}"] == pytest.approx(share)


def test_a_title_of_a_work_may_lose_its_quotation_marks() -> None:
    text = "فیلم «پیرمرد و دریا» را دیدم"
    assert judge(text, "فیلم پیرمرد و دریا را دیدم")["kept"] == 1
    assert judge(text, "فیلم «سالمند و دریا» را دیدم")["kept"] == 0


def test_a_number_may_change_its_digits_not_its_value() -> None:
    text = "۱٬۲۰۰٫۵ تومان در ۱۲/۳/۱۴۰۰"
    assert judge(text, "1,200.5 تومان در 12/3/1400")["kept"] == 1
    assert judge(text, "۱۲۰۰ تومان در ۱۲/۳/۱۴۰۰")["kept"] == 0.5


def test_what_the_reference_drops_may_go() -> None:
    text, reference = "یک «مرد عمل» با ۲ پسر 😂", "یک اهل عمل با ۲ فرزند 😂"
    scores = judge(text, "یک اهل عمل با ۲ فرزند", reference)
    assert (scores["wanted_names"], scores["kept_numbers"], scores["kept_emoji"]) == (0, 1, 0)
    assert scores["kept"] == 0.5


def test_a_part_of_a_word_is_no_name() -> None:
    assert judge("می‌گویند «مرد» است", "می‌گویند از دولتمردان است")["kept"] == 0
    assert judge("می‌گویند «مرد» است", "مر دولت است")["kept"] == 0
    assert judge("Ali و Alireza آمدند", "Alireza آمد")["kept_names"] == 0.5


def test_a_number_inside_a_word_is_none() -> None:
    assert judge("اتاق ب12 و اتاق م۳۴۵ و v2.5 و م۳/۴", "اتاق ب12")["wanted_numbers"] == 0
    assert judge("ب۱۲ و ۲.۵ کیلو", "۲.۵ کیلو")["kept_numbers"] == 1


def test_what_is_undefined_is_none() -> None:
    metric = PreservationMetric(Options())
    assert metric.score([])["kept"] is None
    assert judge("زن می‌رود", "او می‌رود")["kept"] is None
    assert judge("۳ نفر", "")["kept"] == 0
