"""Names and characters that data should not hold do nothing to the terminal, the files, or the labels."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest


def gnb(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gnb", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8", check=False)


def write(path: Path, *records: dict[str, object]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    return path


@pytest.mark.parametrize("format_", ["csv", "label-studio", "argilla"])
def test_a_lone_surrogate_is_exported_as_a_question_mark(tmp_path: Path, format_: str) -> None:
    write(tmp_path / "bad.jsonl", {"text": "او \ud800 آمد", "category": "a\ud800"})
    done = gnb(tmp_path, "label", "export", "jsonl:bad.jsonl", "--format", format_, "--to", "out")
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.glob(".*.writing"))


def test_a_file_whose_name_is_no_utf8_is_compared(tmp_path: Path) -> None:
    name = os.fsdecode(b"f\xff.jsonl")
    write(tmp_path / name, {"text": "او آمد و رفت"})
    done = gnb(tmp_path, "compare", "-s", f"jsonl:{name}", "--split", "all", "-r", "copy", "-m", "edit", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["settings"]["sources"] == [f"jsonl:{name}"]
    assert gnb(tmp_path, "samples").returncode == 0


def test_half_a_surrogate_pair_comes_out_of_samples_as_it_was(tmp_path: Path) -> None:
    write(tmp_path / "bad.jsonl", {"text": "او \ud800 آمد"})
    gnb(tmp_path, "compare", "-s", "jsonl:bad.jsonl", "--split", "all", "-r", "copy", "-m", "edit")
    done = gnb(tmp_path, "samples", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["text"] == "او \ud800 آمد"


def test_the_summary_of_an_audit_shows_no_control_characters(tmp_path: Path) -> None:
    write(tmp_path / "bad.jsonl", {"text": "او آمد و رفت", "category": "a\ud800\x1b[31m"})
    done = gnb(tmp_path, "audit", "jsonl:bad.jsonl")
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert "a\\ud800\\x1b[31m" in done.stdout


def test_a_members_name_does_nothing_to_the_terminal(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr("a\x1b[31m\u202e\nb.csv", b"\x00\xff")
        archive.writestr("good.csv", "text\nاو آمد و رفت\n")
    done = gnb(tmp_path, "audit", "csv:evil.zip")
    assert "\x1b" not in done.stderr + done.stdout
    assert "\u202e" not in done.stderr + done.stdout


def test_an_annotators_name_is_no_markup(tmp_path: Path) -> None:
    said = [{"annotator": name, "biased": True, "category": None, "neutral": []} for name in ("[/red]x", "[bold]b")]
    write(tmp_path / "votes.jsonl", {"id": "1", "text": "او آمد", "metadata": {"votes": said}})
    done = gnb(tmp_path, "label", "agreement", "votes.jsonl")
    assert done.returncode == 0, done.stderr
    assert "[/red]x, [bold]b" in done.stdout


def test_long_names_of_annotators_are_not_wrapped_in_a_pipe(tmp_path: Path) -> None:
    names = [letter * 60 + "@example.org" for letter in "ab"]
    said = [{"annotator": name, "biased": True, "category": None, "neutral": []} for name in names]
    write(tmp_path / "votes.jsonl", {"id": "1", "text": "او آمد", "metadata": {"votes": said}})
    assert ", ".join(names) in gnb(tmp_path, "label", "agreement", "votes.jsonl").stdout


def test_an_annotators_name_is_harmless_as_csv(tmp_path: Path) -> None:
    said = [{"annotator": n, "biased": n == "b", "category": None, "neutral": []} for n in ("a\x1b[31m", "b")]
    write(tmp_path / "votes.jsonl", {"id": "1", "text": "او آمد", "metadata": {"votes": said}})
    done = gnb(tmp_path, "label", "agreement", "votes.jsonl", "--csv")
    assert done.returncode == 0, done.stderr
    assert "a\\x1b[31m" in done.stdout


def test_json_that_is_nested_too_deeply_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "deep.json").write_text("[" * 200_000)
    done = gnb(tmp_path, "label", "import", "deep.json", "--format", "label-studio", "--to", "votes.jsonl")
    assert done.returncode == 2
    assert "nested too deeply" in done.stderr


def test_tasks_are_not_replaced_by_their_configuration(tmp_path: Path) -> None:
    write(tmp_path / "ok.jsonl", {"text": "او آمد"})
    done = gnb(tmp_path, "label", "export", "jsonl:ok.jsonl", "--format", "label-studio", "--to", "t.xml")
    assert done.returncode == 2
    assert "name the tasks NAME.json" in done.stderr


@pytest.mark.parametrize("page", ["src.jsonl", "nowhere/a.html"])
def test_a_page_that_would_replace_data_or_has_no_folder_is_refused(tmp_path: Path, page: str) -> None:
    source = write(tmp_path / "src.jsonl", {"text": "او آمد و رفت"})
    before = source.read_bytes()
    done = gnb(tmp_path, "audit", "jsonl:src.jsonl", "--html", page)
    assert done.returncode == 2
    assert source.read_bytes() == before
    assert f"--html {page}" in done.stderr


def test_a_copy_of_another_category_is_kept(tmp_path: Path) -> None:
    write(
        tmp_path / "two.jsonl",
        {"text": "او آمد و رفت", "category": "ad"},
        {"text": "او آمد و رفت", "category": "family"},
    )
    done = gnb(tmp_path, "audit", "jsonl:two.jsonl", "--fix", "--to", "mended")
    assert done.returncode == 0, done.stderr
    assert len((tmp_path / "mended" / "unsplit.jsonl").read_text("utf-8").splitlines()) == 2
