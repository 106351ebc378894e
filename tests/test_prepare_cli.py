"""`gnb prepare` as a user sees it."""

import json
from pathlib import Path

import pytest
from commands import gnb


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a chatgpt folder of three good blocks and a bad one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "chat").mkdir()
    blocks = "متن: او مرد  است\nخنثی: او آدم است\n\nمتن: كتاب مال اوست\nخنثی: کتاب مال کسی است\n\nفقط یک خط\n"
    (tmp_path / "chat/Bias1.txt").write_text(blocks, "utf-8")
    (tmp_path / "chat/NoBias1.txt").write_text("متن: باران آمد\n", "utf-8")
    return tmp_path


def test_summary_on_standard_output_and_problems_on_standard_error(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gnb("prepare", "chatgpt:chat", "--to", "out") == 0
    output, errors = capsys.readouterr()
    rows = dict(line.split("\t") for line in output.splitlines() if "\t" in line)
    assert (rows["texts"], rows["biased"], rows["unbiased"]) == ("3", "2", "1")
    assert rows["rule letters"] == "1 text changed, 0 characters removed"
    assert "Skipped" in errors
    assert "Bias1.txt:7" in errors
    assert "Skipped 1 piece of the sources in all; --strict stops at the first" in errors
    assert output.endswith("\nwritten to out\n")


def test_a_piece_that_was_skipped_and_a_text_that_cleaning_emptied_are_told_apart(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "a.jsonl").write_text('{"text": "او آمد"}\n{"text": "😀"}\n{"no": 1}\n{"no": 2}\n', "utf-8")
    assert gnb("prepare", "jsonl:a.jsonl", "--to", "out", "--rule", "emoji=on") == 0
    output, errors = capsys.readouterr()
    rows = dict(line.split("\t") for line in output.splitlines() if "\t" in line)
    assert "Skipped 2 pieces" in errors
    assert (rows["pieces skipped"], rows["texts read"], rows["emptied by cleaning"], rows["texts"]) == tuple("2211")
    assert "published" not in rows
    assert "in the published layout" in rows
    assert not {"skipped", "read", "empty"} & rows.keys()


def test_an_earlier_dataset_is_replaced_and_the_closing_line_says_so(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gnb("prepare", "chatgpt:chat", "--to", "out") == 0
    first = {path.name: path.read_bytes() for path in (folder / "out").iterdir()}
    capsys.readouterr()
    assert gnb("prepare", "chatgpt:chat", "--to", "out") == 0
    assert capsys.readouterr().out.endswith("\nwritten to out, in place of an earlier dataset\n")
    assert {path.name: path.read_bytes() for path in (folder / "out").iterdir()} == first
    assert gnb("prepare", "chatgpt:chat", "--to", "out", "--json") == 0
    output, errors = capsys.readouterr()
    assert json.loads(output) == json.loads(first["manifest.json"])
    assert errors.endswith("Written to out, in place of an earlier dataset.\n")


@pytest.mark.parametrize("name", ["train.jsonl", "notes.txt", "sub/notes.txt"])
def test_a_dataset_that_was_changed_since_is_refused_before_any_work(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert gnb("prepare", "chatgpt:chat", "--to", "out") == 0
    capsys.readouterr()
    (folder / "out" / name).parent.mkdir(exist_ok=True)
    (folder / "out" / name).write_text("by hand\n", "utf-8")
    assert gnb("prepare", "chatgpt:chat", "--to", "out") == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.endswith(f"{name} changed since gnb prepare wrote it; move it away, or name another folder.")
    assert (folder / "out" / name).read_text("utf-8") == "by hand\n"
    assert {path.name for path in folder.iterdir()} == {"chat", "out"}


def test_json_is_the_manifest(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gnb("prepare", "chatgpt:chat", "--to", "out", "--json", "--seed", "5", "--shares", "1,0,1") == 0
    manifest = json.loads(capsys.readouterr().out)
    assert manifest == json.loads((folder / "out/manifest.json").read_text("utf-8"))
    assert (manifest["options"]["seed"], manifest["options"]["shares"]) == (5, [1.0, 0.0, 1.0])
    assert manifest["counts"]["splits"]["validation"] == 0


def test_changes_can_be_shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gnb("prepare", "chatgpt:chat", "--to", "out", "--show-changes", "1") == 0
    assert "letters\n- كتاب مال اوست\n+ کتاب مال اوست\n" in capsys.readouterr().out


def test_changes_do_nothing_to_the_terminal(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "a.jsonl").write_text('{"text": "او \\u001b[31m \\u202e آمد"}\n', "utf-8")
    assert gnb("prepare", "jsonl:a.jsonl", "--to", "out", "--show-changes", "1") == 0
    output = capsys.readouterr().out
    assert "- او \\x1b[31m \\u202e آمد\n" in output
    assert not {"\x1b", "\u202e"} & set(output)


def test_the_file_of_conflicts_is_named_where_there_are_any(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = '{"text": "او آمد", "biased": true}\n{"text": "او آمد", "biased": false}\n'
    (folder / "a.jsonl").write_text(rows, "utf-8")
    assert gnb("prepare", "jsonl:a.jsonl", "--to", "out") == 0
    assert capsys.readouterr().out.endswith("written to out; what the copies disagree about: out/conflicts.jsonl\n")


def test_rules_can_be_switched(folder: Path) -> None:
    assert gnb("prepare", "chatgpt:chat", "--to", "out", "--cleaning", "none", "--rule", "spaces=on") == 0
    text = (folder / "out/train.jsonl").read_text("utf-8")
    assert "كتاب" in text
    assert '"text": "او مرد است"' in text


def test_a_prepared_folder_is_a_source(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gnb("prepare", "bundled", "--to", "one") == 0
    assert gnb("prepare", "prepared:one", "--to", "two") == 0
    for split in ("train", "validation", "test"):
        assert (folder / f"two/{split}.jsonl").read_bytes() == (folder / f"one/{split}.jsonl").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["chatgpt:chat", "--strict"], "Bias1.txt:7"),
        (["chatgpt:nowhere"], "nowhere"),
        (["chatgbt:chat"], "Did you mean 'chatgpt'"),
        (["chatgpt:chat", "--rule", "emojis=on"], "Did you mean 'emoji'"),
        (["chatgpt:chat", "--rule", "emoji"], "write NAME=on or NAME=off"),
        (["chatgpt:chat", "--shares", "1,2"], "three numbers"),
        (["chatgpt:chat", "--shares", "nan,1,1"], "three numbers"),
        (["chatgpt:chat", "-o", "chatgpt.colour=red"], "has no option 'colour'"),
        (["csv:chat/empty.csv"], "holds no rows"),
        (["jsonl:chat/NoBias1.txt"], "is not JSON"),
        (["csv:nowhere.zip"], "cannot be read"),
        (["text:chat/emoji.txt", "--rule", "emoji=on"], "no text is left"),
    ],
)
def test_mistakes_end_in_one_line_and_leave_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    (folder / "chat/empty.csv").touch()
    (folder / "chat/emoji.txt").write_text("😀\n", "utf-8")
    assert gnb("prepare", *arguments, "--to", "out") == 2
    errors = capsys.readouterr().err
    assert message in errors
    assert len(errors.splitlines()) == 1
    assert [path.name for path in folder.iterdir()] == ["chat"]


@pytest.mark.parametrize(
    "command",
    [
        ["prepare", "--to", "out"],
        ["audit"],
        ["publish", "--to", "out", "--license", "CC-BY-4.0"],
        ["label", "export", "--to", "out", "--format", "csv"],
        ["train", "--to", "out"],
        ["compare", "-r", "copy", "-m", "edit", "-s"],
    ],
    ids=lambda command: command[0],
)
def test_strict_stops_every_command_at_the_first_piece_that_cannot_be_used(
    folder: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    assert gnb(*command, "chatgpt:chat", "--strict") == 2
    errors = capsys.readouterr().err
    assert "Bias1.txt:7" in errors
    assert len(errors.splitlines()) == 1
    assert not (folder / "out").exists()
