"""The tweets source: texts and neutral forms on alternating lines."""

from pathlib import Path

import pytest

from gnb.core.errors import InputError
from gnb.core.reading import read_source
from gnb.core.records import Example
from gnb.plugins.manager import installed_plugins


def read(path: Path, *, strict: bool = False) -> tuple[list[Example], list[str]]:
    source = installed_plugins().registry.create("source", "tweets", {"path": str(path)})
    examples, problems = read_source(source, strict=strict)
    return list(examples), [str(problem) for problem in problems.kept]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tweets_all.txt"


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8", newline="")
    return path


def test_a_pair_that_differs_is_biased_and_one_that_does_not_is_unbiased(path: Path) -> None:
    examples, problems = read(
        write(path, "مرد که گریه نمیکنه 😂\nآدم که گریه نمیکنه 😂\nسلام: صبح بخیر\nسلام: صبح بخیر\n")
    )
    assert problems == []
    assert examples == [
        Example(
            "tweets_all.txt:1",
            "مرد که گریه نمیکنه 😂",
            ("آدم که گریه نمیکنه 😂",),
            True,
            "tweet",
            "tweets_all.txt:1",
            metadata={"file": "tweets_all.txt", "line": 1},
        ),
        Example(
            "tweets_all.txt:3",
            "سلام: صبح بخیر",
            ("سلام: صبح بخیر",),
            False,
            "none",
            "tweets_all.txt:3",
            metadata={"file": "tweets_all.txt", "line": 3},
        ),
    ]


def test_a_pair_that_differs_in_spelling_alone_is_unbiased_and_its_own_reference(path: Path) -> None:
    examples, _ = read(write(path, "علي مي‌رود\nعلی می رود"))
    assert (examples[0].biased, examples[0].references) == (False, ("علي مي‌رود",))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("blank", ["", "\n", " \u200c\n", "\n\t\n\n"])
@pytest.mark.parametrize("last", ["", "\n", "\n \n"])
def test_line_ends_marks_and_blank_lines_between_pairs(path: Path, end: str, mark: str, blank: str, last: str) -> None:
    write(path, f"{mark}{blank}الف مرد\nالف\n{blank}ب زن\nب{last}".replace("\n", end))
    examples, problems = read(path)
    assert problems == []
    assert [(example.text, example.references) for example in examples] == [("الف مرد", ("الف",)), ("ب زن", ("ب",))]


def test_what_the_author_wrote_is_kept(path: Path) -> None:
    text = "خانوم دكتر علي\u2028خخخخ  مي‌ره 👨‍👩‍👧 ٣ #زن_۱۴۰۱ @user_1 https://t.co/Ab?x=1"
    examples, _ = read(write(path, f"{text}\nدكتر علي\n"))
    assert (examples[0].text, examples[0].references) == (text, ("دكتر علي",))


def test_a_last_text_without_its_neutral_form_is_reported(path: Path) -> None:
    examples, problems = read(write(path, "الف مرد\nالف\nتنها\n"))
    expected = f"{path}:3: a text without a neutral form, 'تنها'; expected the neutral form on the next line"
    assert (len(examples), problems) == (1, [expected])
    with pytest.raises(InputError) as caught:
        read(path, strict=True)
    assert str(caught.value) == expected


def test_a_missing_line_before_a_blank_one_shifts_nothing(path: Path) -> None:
    examples, problems = read(write(path, "تنها\n\u200c\nالف مرد\nالف\n"))
    assert [example.text for example in examples] == ["الف مرد"]
    assert [problem.partition(":1: ")[2][:30] for problem in problems] == ["a text without a neutral form,"]


def test_a_one_item_corpus_is_read(path: Path) -> None:
    assert len(read(write(path, "الف\nالف"))[0]) == 1


@pytest.mark.parametrize("text", ["", "\ufeff", "\n \u200c\r\n"])
def test_an_empty_file_is_refused(path: Path, text: str) -> None:
    with pytest.raises(InputError, match=r"tweets_all\.txt: the file is empty; expected texts and neutral forms"):
        read(write(path, text))


def test_a_missing_file_a_folder_and_bytes_that_are_not_utf8_are_refused(path: Path) -> None:
    with pytest.raises(InputError, match=r"tweets_all\.txt: cannot be read \(No such file or directory\)"):
        read(path)
    with pytest.raises(InputError, match=r"cannot be read \(Is a directory\)"):
        read(path.parent)
    path.write_bytes(b"a\nb\n\xd3\n")
    with pytest.raises(InputError, match=r"tweets_all\.txt:3: is not UTF-8 text"):
        read(path)
