"""Personal data in text: what is found, what stays, and what stands in its place."""

from time import process_time

import pytest

from gnb.core.atoms import hide_atoms
from gnb.core.cleaning import Cleaner, CleaningOptions
from gnb.core.personal import PLACEHOLDERS, find_personal, is_card_number, is_national_code, mask_personal, mask_values
from gnb.metrics.tokens import word_tokens


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("@ali_reza سلام", "@user سلام"),
        ("به ali.r+x@mail.example.com بنویس.", "به @mail بنویس."),
        ("زنگ بزن ۰۹۱۲۳۴۵۶۷۸۹", "زنگ بزن @phone"),
        ("٠٩١٢٣٤٥٦٧٨٩", "@phone"),
        ("۰۹۱۲ ۳۴۵ ۶۷ ۸۹.", "@phone."),
        ("۰۹۱۲‌۳۴۵‌۶۷۸۹", "@phone"),
        ("+98 912 345 6789", "@phone"),
        ("+98(0)9123456789", "@phone"),
        ("00989123456789", "@phone"),
        ("دفتر: ۰۲۱-۸۸۷۷۶۶۵۵", "دفتر: @phone"),
        ("(021) 88776655", "@phone"),
        ("شماره۰۹۱۲۳۴۵۶۷۸۹بزن", "شماره @phone بزن"),
        ("کد ملی ۰۰۸۴۵۷۵۹۴۸ است", "کد ملی @national_id است"),
        ("کارت ۶۲۷۴ ۱۲۱۲ ۰۰۰۰ ۰۰۰۸", "کارت @card"),
        ("4111-1111-1111-1111", "@card"),
        ("IR820540102680020817909002", "@iban"),
        ("ir82 0540 1026 8002 0817 9090 02", "@iban"),
        ("t.me/ali_r", "@profile"),
        ("ببین https://www.instagram.com/sara.x?igsh=1.", "ببین @profile."),
        ("@ab @bc و a@b.ir", "@user @user و @mail"),
        ("سلام@ali_reza و به@ali", "سلام @user و به @user"),
        ("_@ali /@ali @@ali", "_@user /@user @user"),
        ("@ali-reza @ali@reza", "@user @user"),
        ("ali@مثال.ایران a@b@c.com @ali@mastodon.social", "@mail @mail @mail"),
        ("a@b.com@ali، a@b.ir.خوب a@b.ir-x", "@mail، @mail .خوب @mail -x"),
        ("شماره 989121234567 و ۹۸ ۹۱۲ ۱۲۳ ۴۵۶۷", "شماره @phone و @phone"),
        ("＋989121234567 ０９１２１２３４５６７", "@phone @phone"),
        ("0912_123_4567 و 0912 - 123 - 4567", "@phone و @phone"),
        *[(f"۰۹۱۲{gap}۱۲۳۴۵۶۷", "@phone") for gap in ("\u200f", "\u2060", "\u200d", "\u00ad", "\u2009", "ـ", "\n")],
        *[(f"09121234567{mark}09351234567", f"@phone{mark}@phone") for mark in (",", "/", "،")],
        ("09121234567-09351234567", "@phone -@phone"),
        ("02188776655,021-88776655 +989121234567/+989351234567", "@phone,@phone @phone/@phone"),
        ("mobile.twitter.com/ali https://ir.linkedin.com/in/ali-r", "@profile @profile"),
        ("https://wa.me/+989121234567 telegram.dog/ali eitaa.com/ali", "@profile @profile @profile"),
        ("tg://resolve?domain=ali", "@profile"),
    ],
)
def test_personal_data_is_masked_and_masking_again_changes_nothing(text: str, masked: str) -> None:
    assert mask_personal(text)[0] == masked
    assert mask_personal(masked) == (masked, {})


@pytest.mark.parametrize(
    "text",
    [
        "سال ۱۴۰۰ تا ۱۴۰۱",
        "۱۲۵۰۰۰۰۰۰۰ تومان",
        "۰۰۸۴۵۷۵۹۴۸ ریال",
        "۱,۲۵۰,۰۰۰,۰۰۰",
        "شمارهٔ سفارش 1234567890",
        "۱۱۱۱۱۱۱۱۱۱",
        "6037-9911-1234-5678",
        "1385092312345678901",
        "۰۹۱۲۳۴۵۶۷۸",
        "۰۹۱۲۳۴۵۶۷۸۹۰",
        "ساعت ۰۸:۳۰ روز ۱۴۰۳/۰۵/۰۶",
        "x@y",
        "https://t.co/abc",
        "@user و @phone",
        "2024-05-06 10:20:30",
        "۳٫۱۴۱۵۹۲۶۵۳۵",
        "۱۴۰۱/۰۲/۰۳",
        "۱۴۰۱/۰۲/۰۳ ۱۲۳۴۵۶۷",
        "1401-02-03,1402-04-05",
        "۹۸۹,۱۲۱,۲۳۴,۵۶۷",
        "۹۸۹۱۲۱۲۳۴۵۶۷ تومان",
        "989.121.234.567",
        "12.09121234567",
        "کد رهگیری 985512345678",
        "کد رهگیری 98912123456789",
        "user@localhost",
        "https://maps.google.com/@35.7,51.4,15z",
    ],
)
def test_years_prices_and_numbers_that_fail_their_checksum_stay(text: str) -> None:
    assert find_personal(text) == []


def test_places_are_those_of_the_text_in_any_digits() -> None:
    text = "سلام @ali، ۰۹۱۲۳۴۵۶۷۸۹!"
    assert [(each.kind, text[each.start : each.end]) for each in find_personal(text)] == [
        ("handle", "@ali"),
        ("phone", "۰۹۱۲۳۴۵۶۷۸۹"),
    ]


@pytest.mark.parametrize("placeholder", PLACEHOLDERS.values())
def test_placeholders_survive_tokenising_cleaning_and_the_protection_of_names(placeholder: str) -> None:
    text = f"به {placeholder} بگو"
    assert word_tokens(text) == ("به", placeholder, "بگو")
    assert [atom.text for atom in hide_atoms(text)[1]] == [placeholder]
    for rules in ("careful", "published"):
        assert placeholder in Cleaner(CleaningOptions.named(rules)).clean(text)[0]


@pytest.mark.parametrize(
    "piece", ["@", "@ali ", "a@", "a@b.", "1.1@", "@a-", "@.", "0912 ", "09121234567,", "09121234567 ", "x.com/"]
)
def test_the_time_grows_with_the_length_and_not_with_its_square(piece: str) -> None:
    def seconds(times: int) -> float:
        start = process_time()
        mask_personal(piece * times)
        return process_time() - start

    short, long = (min(seconds(times) for _ in range(3)) for times in (4_000, 32_000))
    assert long < 24 * short + 0.1  # eight times as long: 8 times if linear, 64 times if quadratic


def test_values_are_masked_at_any_depth_and_counted() -> None:
    value = {"raw": "از @ali", "list": ["a@b.ir", 3, None], "inner": {"x": "@sara"}}
    masked, counts = mask_values(value)
    assert masked == {"raw": "از @user", "list": ["@mail", 3, None], "inner": {"x": "@user"}}
    assert counts == {"handle": 2, "mail": 1}


def test_keys_are_masked_and_no_entry_is_lost() -> None:
    masked, counts = mask_values({"likes": {"@ali": 3, "@sara": 5, "all": 8}})
    assert masked == {"likes": {"@user": 3, "@user 2": 5, "all": 8}}
    assert counts == {"handle": 2}


def test_checksums_follow_their_standards() -> None:
    assert is_national_code("0084575948")
    assert not is_national_code("0084575949")
    assert is_card_number("4111111111111111")
    assert not is_card_number("4111111111111112")
