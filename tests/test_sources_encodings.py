"""The encodings of source files: recognised where it is sure, named where it is not, never garbled."""

from pathlib import Path
from typing import Any

import pytest

from gnb.core.errors import InputError, SettingsError
from gnb.core.reading import read_source
from gnb.plugins.manager import installed_plugins
from gnb.sources.decoding import detect

REGISTRY = installed_plugins().registry
TEXTS = ["او مرد عمل است و قول او قول است", "برای فردا باران پیش\u200cبيني شده است", "سلام! خوبی؟ 100%"]
ARABIC = [text.replace("ی", "ي") for text in TEXTS]
"""The same with the letters that cp1256 has."""


def read(name: str, path: Path, **options: Any) -> tuple[list[str], list[str]]:
    examples, problems = read_source(REGISTRY.create("source", name, {"path": str(path), **options}))
    return [example.text for example in examples], [str(problem).replace(f"{path}:", "") for problem in problems.kept]


def write(path: Path, texts: list[str], encoding: str) -> Path:
    begin, form = {".csv": ("text\n", "{}"), ".jsonl": ("", '{{"text": "{}"}}'), ".txt": ("", "{}")}[path.suffix]
    path.write_bytes((begin + "".join(form.format(text) + "\n" for text in texts)).encode(encoding))
    return path


FILES = [("csv", "a.csv"), ("jsonl", "a.jsonl"), ("text", "a.txt")]


@pytest.mark.parametrize(("name", "file"), FILES)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1256"])
def test_encodings_that_are_sure_are_recognised(tmp_path: Path, name: str, file: str, encoding: str) -> None:
    texts = ARABIC if encoding == "cp1256" else TEXTS
    assert read(name, write(tmp_path / file, texts, encoding)) == (texts, [])


@pytest.mark.parametrize(("name", "file"), FILES)
@pytest.mark.parametrize("encoding", ["cp1256", "windows-1256", "iso-8859-6", "utf-16", "utf-8"])
def test_an_encoding_can_be_named(tmp_path: Path, name: str, file: str, encoding: str) -> None:
    texts = ["سلام"]
    assert read(name, write(tmp_path / file, texts, encoding), encoding=encoding) == (texts, [])


def test_an_encoding_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="is no encoding; name auto, utf-8, utf-16, cp1256"):
        read("csv", tmp_path / "a.csv", encoding="utf-9")


@pytest.mark.parametrize(("name", "file"), FILES)
def test_a_file_in_another_encoding_is_refused_with_line_and_byte(tmp_path: Path, name: str, file: str) -> None:
    path = write(tmp_path / file, ["café au lait", "naïve"], "cp1252")
    with pytest.raises(InputError, match="is not UTF-8") as caught:
        read(name, path) if name != "text" else read_strictly(path)
    assert "byte 0xE9 after" in str(caught.value)
    assert "encoding=cp1256" in str(caught.value)


def read_strictly(path: Path) -> None:
    examples, _ = read_source(REGISTRY.create("source", "text", {"path": str(path)}), strict=True)
    list(examples)


@pytest.mark.parametrize(("name", "file"), FILES)
def test_a_line_of_another_encoding_among_utf8_is_reported_and_skipped(tmp_path: Path, name: str, file: str) -> None:
    path = write(tmp_path / file, TEXTS, "utf-8")
    lines = path.read_bytes().splitlines(keepends=True)
    place = len(lines) - 2
    lines[place] = lines[place].decode().replace("ی", "ي").encode("cp1256", "ignore")
    path.write_bytes(b"".join(lines))
    texts, problems = read(name, path)
    assert texts == [TEXTS[0], TEXTS[2]]
    assert len(problems) == 1
    assert problems[0].startswith(f"{place + 1}: is not UTF-8 (byte 0x")


@pytest.mark.parametrize(("name", "file"), FILES)
@pytest.mark.parametrize("encoding", ["auto", "cp1256"])
def test_a_line_of_utf8_among_cp1256_is_reported_and_skipped(
    tmp_path: Path, name: str, file: str, encoding: str
) -> None:
    many = [f"{text} {number}" for number in range(2000) for text in ARABIC]
    path = write(tmp_path / file, many, "cp1256")  # so long that the odd line is past what is looked at
    path.write_bytes(path.read_bytes() + write(tmp_path / f"b{path.suffix}", TEXTS[:1], "utf-8").read_bytes())
    texts, problems = read(name, path, encoding=encoding)
    assert texts[: len(many)] == many
    assert TEXTS[0] not in texts
    assert len(problems) == 1
    assert "is UTF-8 in a file of cp1256: " in problems[0]


def test_a_file_cut_off_within_a_character_is_reported(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", TEXTS, "utf-16")
    path.write_bytes(path.read_bytes()[:-3])
    texts, problems = read("csv", path)
    assert texts == TEXTS[:2]
    assert "is not utf-16 text or is cut off" in problems[0]


@pytest.mark.parametrize(
    "data",
    [
        "café, naïve, élève, Übung, señor".encode("cp1252"),
        "سلام دنیا، خوبی؟ مرد عمل".encode("iso-8859-6", "ignore"),
        "سلام دنيا مرد عمل".encode("cp1256") + b"\n" + "سلام دنیا مرد عمل".encode(),
        "سلام".encode("cp1256"),
        b"",
        b"plain",
    ],
)
def test_nothing_is_taken_for_cp1256_that_is_not_surely_so(data: bytes) -> None:
    assert detect(data) == "utf-8"
