"""Text files are read line by line, whatever editor and system they come from."""

import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnb.core.errors import InputError
from gnb.core.lines import is_blank, read_lines


def lines_of(path: Path, data: bytes) -> list[tuple[int, str]]:
    path.write_bytes(data)
    return [(line.number, line.text) for line in read_lines(path)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end_separates(tmp_path: Path, end: str) -> None:
    data = f"یک{end}{end}دو{end}".encode()
    assert lines_of(tmp_path / "a.txt", data) == [(1, "یک"), (2, ""), (3, "دو")]


def test_the_last_line_needs_no_line_end(tmp_path: Path) -> None:
    assert lines_of(tmp_path / "a.txt", "یک\nدو".encode()) == [(1, "یک"), (2, "دو")]


def test_byte_order_marks_are_dropped_also_where_files_were_joined(tmp_path: Path) -> None:
    part = "یک\n".encode("utf-8-sig")
    assert lines_of(tmp_path / "a.txt", part + part) == [(1, "یک"), (2, "یک")]


def test_separators_inside_a_text_end_no_line(tmp_path: Path) -> None:
    text = "یک\u2028دو\u2029سه\x85چهار\x0bپنج\x0cشش\x1cهفت"
    assert lines_of(tmp_path / "a.txt", text.encode()) == [(1, text)]


def test_an_empty_file_has_no_line(tmp_path: Path) -> None:
    assert lines_of(tmp_path / "a.txt", b"") == []
    assert lines_of(tmp_path / "a.txt", b"\xef\xbb\xbf") == [(1, "")]


def test_a_file_that_is_not_utf8_is_refused_with_line_byte_and_remedy(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with pytest.raises(InputError) as caught:
        lines_of(path, "یک\nab".encode() + "س".encode("windows-1256"))
    assert str(caught.value) == (
        f"{path}:2: is not UTF-8 text (byte 0xD3 after 2 characters of the line). "
        "Save it as UTF-8, for example: iconv -f WINDOWS-1256 -t UTF-8 OLD > NEW"
    )


def test_a_utf16_file_is_recognised(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="iconv -f UTF-16 "):
        lines_of(tmp_path / "a.txt", "سلام".encode("utf-16"))


def test_the_lines_before_a_bad_byte_have_been_read(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"good\n\xff\n")
    lines = read_lines(path)
    assert next(lines).text == "good"
    with pytest.raises(InputError, match=":2: is not UTF-8"):
        next(lines)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.txt: cannot be read \(No such file or directory\)"):
        list(read_lines(tmp_path / "none.txt"))
    with pytest.raises(InputError, match=r"cannot be read \(Is a directory\)"):
        list(read_lines(tmp_path))


@pytest.mark.parametrize("text", ["", " \t", "\u200c", " \u200c\u200f ", "\u00a0", "\ufeff"])
def test_a_text_without_anything_visible_is_blank(text: str) -> None:
    assert is_blank(text)


@pytest.mark.parametrize("text", ["a", " . ", "\u200cه", "🐔"])
def test_a_text_with_something_visible_is_not_blank(text: str) -> None:
    assert not is_blank(text)


def test_a_large_file_is_never_held_whole(tmp_path: Path) -> None:
    path = tmp_path / "large.txt"
    path.write_text("این متن را بارها تکرار می‌کنیم تا پرونده بزرگ شود.\n" * 100_000, encoding="utf-8")
    tracemalloc.start()
    try:
        count = sum(1 for _ in read_lines(path))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 100_000
    assert peak < path.stat().st_size / 10


@given(st.lists(st.text(st.characters(exclude_characters="\r\n\ufeff", codec="utf-8")), max_size=6))
def test_any_lines_come_back_as_written(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    path = tmp_path_factory.mktemp("lines") / "a.txt"
    assert [text for _, text in lines_of(path, "".join(text + "\n" for text in texts).encode())] == texts
