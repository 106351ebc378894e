"""The chatgpt source: folders of Bias*.txt and NoBias*.txt as people keep them."""

from pathlib import Path

import pytest

from gnb.core.errors import InputError, SettingsError
from gnb.core.reading import read_source
from gnb.core.records import Example
from gnb.plugins.manager import installed_plugins

BIASED = "متن با بایاس جنسیتی: {}\nمتن بدون بایاس جنسیتی: {}\n"


def read(folder: Path, *, strict: bool = False) -> tuple[list[Example], list[str]]:
    source = installed_plugins().registry.create("source", "chatgpt", {"path": str(folder)})
    examples, problems = read_source(source, strict=strict)
    return list(examples), [str(problem) for problem in problems.kept]


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8", newline="")
    return folder


def test_the_two_kinds_of_file_give_biased_and_unbiased_examples(tmp_path: Path) -> None:
    write(
        tmp_path,
        Bias1=BIASED.format("راننده زن آمد.", "راننده آمد.") + "\n" + BIASED.format("مرد عمل است.", "اهل عمل است."),
        NoBias1="متن: مادرم آمد.\n",
    )
    examples, problems = read(tmp_path)
    assert problems == []
    assert examples == [
        Example(
            "Bias1.txt:1",
            "راننده زن آمد.",
            ("راننده آمد.",),
            True,
            None,
            "Bias1.txt:1",
            metadata={"file": "Bias1.txt", "block": 1, "line": 1},
        ),
        Example(
            "Bias1.txt:2",
            "مرد عمل است.",
            ("اهل عمل است.",),
            True,
            None,
            "Bias1.txt:2",
            metadata={"file": "Bias1.txt", "block": 2, "line": 4},
        ),
        Example(
            "NoBias1.txt:1",
            "مادرم آمد.",
            ("مادرم آمد.",),
            False,
            "none",
            "NoBias1.txt:1",
            metadata={"file": "NoBias1.txt", "block": 1, "line": 1},
        ),
    ]


def test_a_biased_text_may_have_several_neutral_forms(tmp_path: Path) -> None:
    write(tmp_path, Bias1="متن: راننده زن\nخنثی ۱: راننده\nخنثی ۲: یک راننده\n")
    assert read(tmp_path)[0][0].references == ("راننده", "یک راننده")


def test_only_the_first_colon_and_space_separate(tmp_path: Path) -> None:
    write(tmp_path, NoBias1="متن: او گفت: ساعت 12:30 در https://a.ir/x: بیا\n\nمتن 1:2: باز هم: همین\n")
    assert [example.text for example in read(tmp_path)[0]] == [
        "او گفت: ساعت 12:30 در https://a.ir/x: بیا",
        "باز هم: همین",
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("blank", ["", " ", "\u200c", "\t \u200c\u00a0", "\n\n \n"])
@pytest.mark.parametrize("last", ["", "\n"])
def test_line_ends_marks_and_blank_lines_of_real_files(
    tmp_path: Path, end: str, mark: str, blank: str, last: str
) -> None:
    text = mark + BIASED.format("راننده زن", "راننده") + blank + "\n" + BIASED.format("مهندس خانم", "مهندس").strip()
    write(tmp_path, Bias1=(text + last).replace("\n", end))
    examples, problems = read(tmp_path)
    assert problems == []
    assert [(example.text, example.references) for example in examples] == [
        ("راننده زن", ("راننده",)),
        ("مهندس خانم", ("مهندس",)),
    ]


def test_what_the_author_wrote_is_kept(tmp_path: Path) -> None:
    text = "خانم دكتر علي  مي‌رود\u2028👨‍👩‍👧 ٣ ۴ 4 معمولاً #زن_۱۴۰۱ @user_1 https://t.co/Ab?x=1 ﷼"
    write(tmp_path, NoBias1=f"متن:  {text} \t\n")
    assert read(tmp_path)[0][0].text == text


def test_files_come_in_natural_order(tmp_path: Path) -> None:
    write(tmp_path, **{name: BIASED.format("مردانه", "محکم") for name in ("Bias10", "Bias2", "Bias1", "Bias")})
    write(tmp_path, **dict.fromkeys(("NoBias11", "NoBias3"), "متن: سلام"))
    assert [example.metadata["file"] for example in read(tmp_path)[0]] == [
        "Bias.txt",
        "Bias1.txt",
        "Bias2.txt",
        "Bias10.txt",
        "NoBias3.txt",
        "NoBias11.txt",
    ]


def test_other_files_and_folders_are_left_alone(tmp_path: Path) -> None:
    write(tmp_path, NoBias1="متن: سلام", README="no block", OldBias1="no block")
    (tmp_path / "Bias9.txt").mkdir()
    examples, problems = read(tmp_path)
    assert ([example.id for example in examples], problems) == (["NoBias1.txt:1"], [])


@pytest.mark.parametrize(
    ("block", "line", "found"),
    [
        ("متن با بایاس جنسیتی: تنها", 4, "a text without a neutral form"),
        ("متن بدون بایاس جنسیتی: تنها", 4, "a neutral form first, going by its label 'متن بدون بایاس جنسیتی'"),
        ("متن بدون بایاس جنسیتی: ب\nمتن با بایاس جنسیتی: الف", 4, "a neutral form first, going by its label"),
        ("بدون برچسب\nمتن بدون بایاس جنسیتی: ب", 4, "no label with a colon and a space in 'بدون برچسب'"),
        ("متن با بایاس جنسیتی: الف\nادامه متن", 5, "no label with a colon and a space in 'ادامه متن'"),
        ("متن با بایاس:الف\nمتن بدون بایاس: ب", 4, "no label with a colon and a space in 'متن با بایاس:الف'"),
        (": الف\nمتن بدون بایاس جنسیتی: ب", 4, "no label with a colon and a space in ': الف'"),
        ("متن با بایاس جنسیتی: الف\nمتن بدون بایاس جنسیتی:", 5, "no text after the label 'متن بدون بایاس جنسیتی'"),
        ("متن با بایاس جنسیتی: \u200c\nمتن بدون بایاس جنسیتی: ب", 4, "no text after the label 'متن با بایاس جنسیتی'"),
        (BIASED.format("ا", "ب") + BIASED.format("پ", "ت"), 6, "the label 'متن با بایاس جنسیتی' twice in the block"),
        (BIASED.format("ا", "ب") + "او گفت: نه", 6, "the label 'او گفت' after 'متن بدون بایاس جنسیتی'"),
        (BIASED.format("می‌رود علي", "می رود علی"), 5, "a neutral form that is the biased text itself"),
    ],
)
def test_a_malformed_biased_block_is_named_and_skipped(tmp_path: Path, block: str, line: int, found: str) -> None:
    good = BIASED.format("راننده زن", "راننده")
    write(tmp_path, Bias1=f"{good}\n{block.rstrip()}\n\n{good}")
    examples, problems = read(tmp_path)
    assert [example.id for example in examples] == ["Bias1.txt:1", "Bias1.txt:3"]
    assert len(problems) == 1
    assert problems[0].startswith(f"{tmp_path / 'Bias1.txt'}:{line}: {found}")
    assert problems[0].endswith(
        "; expected a line 'label: biased text', then its neutral form as 'label: text', then a blank line"
    )
    with pytest.raises(InputError) as caught:
        read(tmp_path, strict=True)
    assert str(caught.value) == problems[0]


def test_a_malformed_unbiased_block_is_named_and_skipped(tmp_path: Path) -> None:
    write(tmp_path, NoBias1="متن: یک\nمتن: دو\n\nمتن: سه")
    examples, problems = read(tmp_path)
    assert [example.text for example in examples] == ["سه"]
    assert problems == [
        f"{tmp_path / 'NoBias1.txt'}:2: a second line in the block; expected one line 'label: text', then a blank line"
    ]


def test_a_one_item_corpus_is_read(tmp_path: Path) -> None:
    assert len(read(write(tmp_path, NoBias="متن: سلام"))[0]) == 1


def test_an_empty_file_beside_others_is_reported(tmp_path: Path) -> None:
    write(tmp_path, Bias1="", Bias2="\ufeff \n\u200c\n", NoBias1="متن: سلام")
    examples, problems = read(tmp_path)
    assert len(examples) == 1
    assert [problem.partition(";")[0] for problem in problems] == [
        f"{tmp_path / name}:1: the file is empty" for name in ("Bias1.txt", "Bias2.txt")
    ]


def test_nothing_but_empty_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"all files that match Bias\*\.txt or NoBias\*\.txt are empty"):
        read(write(tmp_path, Bias1="", NoBias1="\n"))


def test_a_folder_without_matching_files_is_refused(tmp_path: Path) -> None:
    write(tmp_path, other="متن: سلام")
    with pytest.raises(InputError) as caught:
        read(tmp_path)
    assert str(caught.value) == f"{tmp_path}: no file in this folder matches Bias*.txt, NoBias*.txt."


def test_a_missing_folder_and_a_file_in_its_place_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none: does not exist; expected a folder with Bias\*\.txt, NoBias\*\.txt"):
        read(tmp_path / "none")
    write(tmp_path, Bias1="")
    with pytest.raises(InputError, match=r"Bias1\.txt: is a file; expected a folder"):
        read(tmp_path / "Bias1.txt")


def test_a_file_that_is_not_utf8_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "NoBias1.txt").write_bytes("متن: سلام\n\n".encode() + "متن: سلام".encode("windows-1256"))
    with pytest.raises(InputError, match=r"NoBias1\.txt:3: is not UTF-8 text"):
        read(tmp_path)


def test_the_home_folder_is_resolved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write(tmp_path, NoBias1="متن: سلام")
    assert len(read(Path("~"))[0]) == 1


def test_a_source_without_its_path_says_what_it_needs() -> None:
    with pytest.raises(SettingsError) as caught:
        installed_plugins().registry.create("source", "chatgpt", {})
    assert str(caught.value) == (
        "source 'chatgpt' needs the option 'path': The folder with the Bias*.txt and NoBias*.txt files."
    )
