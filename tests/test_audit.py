"""`gnb audit`: what it finds in data with known faults, how it shows it, and what it mends."""

import json
import os
import re
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from commands import gnb, write

from gnb.auditing import audit
from gnb.auditing.characters import has_mixed_digits
from gnb.auditing.chatter import is_chatter
from gnb.auditing.fixing import fix
from gnb.auditing.gender import gender_words_in
from gnb.auditing.openings import count_openings
from gnb.core.records import Example

LONG = "مدیر مدرسه دیروز گفت که برای اردوی تابستانی باید همه با هم برنامه‌ریزی کنند و زودتر ثبت‌نام کنند"


def example(text: str, *references: str, **values: Any) -> Example:
    values.setdefault("id", f"x{abs(hash((text, references))) % 10_000_000}")
    return Example(text=text, references=references, **values)


def names(examples: Sequence[Example]) -> dict[str, int]:
    return {finding.name: len(finding.items) for finding in audit(examples).findings}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a prepared dataset that has one of everything."""
    monkeypatch.chdir(tmp_path)
    write(
        tmp_path / "data/train.jsonl",
        {"id": "a", "text": LONG, "references": [LONG], "biased": False, "category": "none"},
        {"id": "b", "text": LONG + "!", "references": [LONG + "!"], "biased": False, "category": "none"},
        {"id": "c", "text": "كتاب مال مرد است", "references": ["کتاب مال آدم است"], "biased": True},
        {"id": "d", "text": "البته! در اینجا ۲۰ جمله با سوگیری جنسیتی می‌آورم", "biased": True},
        {
            "id": "e",
            "text": "زنگ بزن ۰۹۱۲۳۴۵۶۷۸۹ <script>alert(1)</script>",
            "references": ["زنگ بزن"],
            "biased": False,
        },
        {"id": "f", "text": LONG, "references": [LONG], "biased": False, "category": "none"},
    )
    write(
        tmp_path / "data/test.jsonl",
        {"id": "g", "text": LONG.replace("دیروز", "امروز"), "references": [], "biased": None},
        {"id": "h", "text": LONG, "references": [LONG], "biased": True},
    )
    return tmp_path


def test_leaks_between_splits_and_contradictory_labels_are_errors(folder: Path) -> None:
    assert gnb("audit", "data", "--json", "--strict") == 1


def test_json_names_every_item_of_every_finding(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gnb("audit", "data", "--json") == 0
    record = json.loads(capsys.readouterr().out)
    found = {each["name"]: [item["id"] for item in each["items"]] for each in record["findings"]}
    assert found["leak"] == ["h"]
    assert found["near-leak"] == ["b", "g", "g"]  # b nearly agrees with h, a copy of a in the other split
    assert sorted(found["contradictory-labels"]) == ["a", "f", "h"]
    assert found["duplicate"] == ["f", "h"]
    assert found["near-duplicate"] == ["b", "g", "g"]
    assert found["reference-same"] == ["h"]
    assert found["reference-differs"] == ["e"]
    assert found["reference-missing"] == ["d"]
    assert found["chatter"] == ["d"]
    assert found["personal-data"] == ["e"]
    assert found["characters-letters"] == ["c"]
    assert record["sizes"]["splits"] == {"train": 6, "test": 2}
    assert all(each["count"] == len(each["items"]) for each in record["findings"])


def test_the_terminal_shows_some_items_and_says_how_many_more(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gnb("audit", "data", "--show", "1") == 0
    output, errors = capsys.readouterr()
    assert "error: texts that lie in two splits: 1 [leak]" in output
    assert "  and 1 more" in output
    assert "\x1b" not in output
    assert "errors" in errors


def test_the_page_is_right_to_left_escaped_and_needs_nothing_from_elsewhere(folder: Path) -> None:
    assert gnb("audit", "data", "--html", "page.html") == 0
    page = (folder / "page.html").read_text("utf-8")
    assert '<html lang="fa" dir="rtl">' in page
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert not re.search(r"(?:src|href|url\()", page)
    parser = HTMLParser()
    parser.feed(page)
    parser.close()


def test_near_copies_are_shown_once_with_their_differences(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder / "near.jsonl", *({"id": day, "text": LONG.replace("دیروز", day)} for day in ("دیروز", "امروز")))
    assert gnb("audit", "jsonl:near.jsonl", "--html", "near.html") == 0
    output, errors = capsys.readouterr()
    assert "0 errors, 1 warning, 0 notes" in errors
    assert (
        "warning: pairs of texts that nearly agree: 1 [near-duplicate]\n"
        "  امروز · near.jsonl:2 · 97 % the same as دیروز\n"
        f"{LONG.replace('دیروز', '[-دیروز-] {+امروز+}')}\n"
    ) in output
    page = (folder / "near.html").read_text("utf-8")
    assert "<del>دیروز</del> <ins>امروز</ins>" in page


@pytest.mark.parametrize(("data", "name"), [("bundled:k", "bundled:k"), ("data", "/data"), (".", "/data")])
def test_the_title_of_the_page_says_which_data(folder: Path, data: str, name: str) -> None:
    if data == ".":
        os.chdir(folder / "data")
    assert gnb("audit", data, "--html", str(folder / "page.html")) == 0
    page = (folder / "page.html").read_text("utf-8")
    shown = f"{folder.name}{name}" if name.startswith("/") else name
    assert f"<title>وارسی داده: {shown}</title>" in page
    assert f"<h1>وارسی داده: <bdi>{shown}</bdi></h1>" in page


def test_a_page_replaces_an_earlier_page_and_nothing_else(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder / "texts.html", {"text": LONG})
    before = (folder / "texts.html").read_bytes()
    assert gnb("audit", "jsonl:texts.html", "--html", "texts.html") == 2
    assert "--html texts.html: exists and is no page that gnb wrote" in capsys.readouterr().err
    assert (folder / "texts.html").read_bytes() == before
    assert gnb("audit", "data", "--html", "page.html") == 0
    first = (folder / "page.html").read_bytes()
    assert gnb("audit", "jsonl:texts.html", "--html", "page.html") == 0
    assert (folder / "page.html").read_bytes() != first


def test_a_page_that_breaks_off_leaves_the_earlier_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def half(*_: object) -> Iterator[str]:
        yield "half"
        raise KeyboardInterrupt

    assert gnb("audit", "data", "--html", "page.html") == 0
    before = (folder / "page.html").read_bytes()
    monkeypatch.setattr("gnb.auditing.page.to_html", half)
    assert gnb("audit", "data", "--html", "page.html") == 130
    assert (folder / "page.html").read_bytes() == before
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


def test_copies_that_share_an_id_are_dropped_too(folder: Path) -> None:
    fix([Example("a", LONG, biased=False)] * 2, folder / "mended")
    assert len((folder / "mended/unsplit.jsonl").read_text("utf-8").splitlines()) == 1


def test_fixing_writes_a_copy_and_says_what_it_did(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (folder / "data/train.jsonl").read_bytes()
    assert gnb("audit", "data", "--fix", "--to", "mended") == 0
    rows = [json.loads(line) for line in (folder / "mended/train.jsonl").read_text("utf-8").splitlines()]
    assert [row["id"] for row in rows] == ["a", "b", "c", "e"]
    assert rows[2]["text"] == "کتاب مال مرد است"
    assert rows[2]["metadata"]["raw"] == "كتاب مال مرد است"
    assert rows[2]["metadata"]["rules"] == ["letters"]
    fixes = [json.loads(line) for line in (folder / "mended/fixes.jsonl").read_text("utf-8").splitlines()]
    assert {(fix["id"], fix["action"]) for fix in fixes} == {("c", "normalised"), ("d", "dropped"), ("f", "dropped")}
    assert (folder / "data/train.jsonl").read_bytes() == before
    capsys.readouterr()
    assert gnb("audit", "mended") == 0
    assert gnb("audit", "mended", "--fix", "--to", "again") == 0
    assert (folder / "again/fixes.jsonl").read_bytes() == b""


def test_fixing_that_breaks_off_leaves_nothing_behind(folder: Path) -> None:
    def half() -> Iterator[Example]:
        yield Example("1", "متن")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fix(half(), folder / "mended")  # type: ignore[arg-type]
    assert list((folder / "mended").iterdir()) == []
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "no source 'nowhere'"),
        (["data/train.jsonl"], "is a file; name its source too, such as jsonl:data/train.jsonl"),
        (["data/nowhere"], "does not exist"),
        (["data", "--fix"], "--fix and --to DIR belong together"),
        (["data", "--to", "x"], "--fix and --to DIR belong together"),
        (["data", "--fix", "--to", "data"], "is not empty"),
        (["data", "--fix", "--to", "data/train.jsonl"], "is a file"),
        (["data", "--fix", "--to", "/proc/x"], "cannot be written"),
        (["data", "--near", "20"], "70"),
        (["."], "no file in this folder"),
        (["data", "-o", "bundled.parts=a"], "nothing here is called 'bundled'"),
    ],
)
def test_mistakes_end_in_one_clear_line(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert gnb("audit", *arguments) == 2
    errors = capsys.readouterr().err
    assert message in errors
    assert "Traceback" not in errors


def test_the_copy_does_not_take_the_place_of_the_folder_that_one_is_in(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "empty").mkdir()
    monkeypatch.chdir(folder / "empty")
    assert gnb("audit", "../data", "--fix", "--to", ".") == 2
    assert "Error: --to .: is in use and cannot be replaced; name a new folder.\n" in capsys.readouterr().err


def test_the_same_data_gives_the_same_record() -> None:
    examples = [example(f"{LONG} شماره {number % 7}", id=str(number), split="train") for number in range(40)]
    assert audit(examples).as_record() == audit(examples).as_record()


def test_a_leak_is_found_behind_a_copy_without_a_split(folder: Path) -> None:
    copies = [example(LONG, id=str(split), split=split) for split in (None, "train", "test")]
    assert names(copies) == {"duplicate": 2, "leak": 1}
    near = example(LONG + "!!", id="near", split="validation")
    assert names([copies[0], copies[1], near]) == {"duplicate": 1, "near-duplicate": 1, "near-leak": 1}


def test_copies_of_a_contrast_pair_are_meant_to_look_alike_too() -> None:
    plain = example(LONG + " زن", id="plain")
    pair = [example(LONG + word, id=word, metadata={"pair": "p"}) for word in (" زن", " مرد")]
    assert names([plain, *pair]) == {"duplicate": 1}


def test_contrast_pairs_of_one_split_are_meant_to_look_alike() -> None:
    pair = [example(LONG + word, id=word, split="train", metadata={"pair": "p"}) for word in (" زن", " مرد")]
    assert "near-duplicate" not in names(pair)
    apart = [pair[0], example(LONG + " مرد", id="z", split="test", metadata={"pair": "p"})]
    assert names(apart)["near-leak"] == 1
    unpaired = [example(LONG + word, id=word, split="train", metadata={"pair": ""}) for word in (" زن", " مرد")]
    assert names(unpaired)["near-duplicate"] == 1


@pytest.mark.parametrize(
    "text",
    [
        "متأسفم، نمی‌توانم به این درخواست پاسخ دهم.",
        "متاسفم ولی نمی توانم کمک کنم",
        "البته! در اینجا ۲۰ جمله می‌نویسم:",
        "در اینجا ۱۰ نمونه آمده است",
        "به‌عنوان یک مدل زبانی نظری ندارم",
        "As an AI language model, I cannot",
        "Here are 20 sentences:",
    ],
)
def test_chatter_is_known(text: str) -> None:
    assert is_chatter(text)


@pytest.mark.parametrize(
    "text",
    [
        "متأسفم، نمی‌توانم فردا بیایم.",
        "البته که زن‌ها هم رانندگی می‌کنند.",
        "در اینجا هوا خوب است.",
        "این مدل زبان بدن را می‌شناسد.",
        "هوش مصنوعی شغل‌ها را عوض می‌کند.",
    ],
)
def test_what_people_write_is_no_chatter(text: str) -> None:
    assert not is_chatter(text)


def test_references_are_compared_with_the_labels() -> None:
    found = names(
        [
            example("زن‌ها باید در خانه بمانند", "زنها باید در خانه بمانند", biased=True),
            example("زن باید در خانه بماند و بچه‌داری کند", "بماند", biased=True),
            example("امروز باران بارید", "دیروز باران بارید", biased=False),
            example("مرد قوی است", "", biased=True),
        ]
    )
    assert found["reference-length"] == 1
    assert found["reference-differs"] == 1
    assert found["reference-empty"] == 1
    assert found["reference-same"] == 1


def test_gender_words_are_counted_with_and_without_half_spaces() -> None:
    counts = gender_words_in("زن‌ها و زنها و زن ها، زن‌ستیز و مردم و مردان؛ خانوما زنگ زدند")
    assert {(word.word, count) for word, count in counts.items()} == {("زن", 3), ("مرد", 1), ("خانم", 1)}


def test_a_word_that_always_has_one_label_is_named() -> None:
    examples = [example(f"دختر {number} کیلو {number}", id=str(number), biased=True) for number in range(30)]
    examples += [example(f"پسر {number} کیلو", id=f"n{number}", biased=number % 2 == 0) for number in range(30)]
    [finding] = [each for each in audit(examples).findings if each.name == "skewed-word"]
    assert "دختر" in finding.title
    assert len(finding.items) == 30


def test_openings_that_many_texts_share_are_counted() -> None:
    examples = [example(f"به نظر من {number} چیز", id=str(number)) for number in range(6)]
    counts = count_openings([*examples, example("هوا خوب است امروز"), example("نه")])
    assert counts["3"] == {"share": 0.75, "common": {"به نظر من": 6}}


def test_digits_of_links_are_not_mixed_with_those_of_the_text() -> None:
    assert has_mixed_digits("۱۲ و 13")
    assert not has_mixed_digits("۱۲ و https://t.co/13 و @ali13")


def test_control_characters_direction_marks_and_kashida_are_found() -> None:
    found = names([example("سلا\x07م بر همه"), example("سلام \u202eبر همه ما"), example("ســلام بر همه شما")])
    assert (found["characters-control"], found["characters-invisible"], found["characters-kashida"]) == (1, 1, 1)


def test_informal_texts_may_lack_half_spaces() -> None:
    formal, informal = ({"register": register} for register in ("formal", "informal"))
    assert names([example("او می رود", metadata=formal)])["characters-verbs"] == 1
    assert "characters-verbs" not in names([example("او می رود", metadata=informal)])


def test_the_bars_of_gender_words_show_and_explain_texts_that_nobody_labelled(folder: Path) -> None:
    write(folder / "open.jsonl", {"id": "1", "text": "زن آمد"})
    assert gnb("audit", "jsonl:open.jsonl", "--html", "page.html") == 0
    page = (folder / "page.html").read_text("utf-8")
    assert "<i class='unlabelled' style='width:100.0%'></i>" in page
    assert "<i class='unlabelled'></i>بی‌برچسب" in page
    assert {".bar i.unlabelled {", ".key i.unlabelled {"} <= set(re.findall(r"\.\w+ i\.unlabelled \{", page))
