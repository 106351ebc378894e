"""`gnb rewrite`: lines in, lines out, in order and at once."""

import json
import os
import pty
import subprocess
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from scripted import ScriptedOptions, ScriptedRewriter, Workplace

from gnb.cli.rewrite import _show_text
from gnb.core.records import Rewrite

TEXT = "سلام دنیا"
REWRITE = ("rewrite", "-r", "scripted")


def test_arguments_come_out_line_by_line(workplace: Workplace) -> None:
    assert workplace.run(*REWRITE, TEXT, "دو\n\nسه")[0] == f"{TEXT}!\nدو!\n\nسه!\n"


def test_files_and_standard_input_follow_in_order(workplace: Workplace) -> None:
    (workplace.folder / "a.txt").write_text("یک\nدو", "utf-8")
    (workplace.folder / "b.txt").write_text("سه\n", "utf-8")
    out, _ = workplace.run(*REWRITE, "صفر", "-f", "a.txt", "-f", "-", "-f", "b.txt", stdin="میان\n".encode())
    assert out == "صفر!\nیک!\nدو!\nمیان!\nسه!\n"


def test_lines_stay_aligned_whatever_ends_or_fills_them(workplace: Workplace) -> None:
    log = workplace.folder / "log"
    given = "\ufeffیک\r\n\r\n \t\n\u200c\nدو\n\nسه".encode()
    out, _ = workplace.run(*REWRITE, "-o", f"scripted.log={log}", stdin=given)
    assert out == "یک!\n\n\n\nدو!\n\nسه!\n"
    assert log.read_text("utf-8").splitlines() == ["یک", "دو", "سه"]


def test_the_name_of_a_file_is_a_text_and_the_user_is_told(workplace: Workplace) -> None:
    (workplace.folder / "a.txt").write_text("یک", "utf-8")
    out, err = workplace.run(*REWRITE, "a.txt")
    assert out == "a.txt!\n"
    assert "For its lines: --file a.txt" in err


def test_a_text_may_be_longer_than_any_name_of_a_file(workplace: Workplace) -> None:
    text = " ".join(["دولتمردان"] * 20)
    assert workplace.run(*REWRITE, text) == (f"{text}!\n", "")


@pytest.mark.parametrize(("name", "reason"), [("none.txt", "No such file or directory"), (".", "Is a directory")])
def test_a_file_that_cannot_be_read_is_named(workplace: Workplace, name: str, reason: str) -> None:
    out, err = workplace.run(*REWRITE, "-f", name, code=2)
    assert (out, err) == ("", f"Error: {name}: cannot be read ({reason}).\n")


def test_a_huge_line_passes_through(workplace: Workplace) -> None:
    line = "م" * 5_000_000
    assert workplace.run(*REWRITE, stdin=f"{line}\nدو".encode())[0] == f"{line}!\nدو!\n"


def test_an_answer_of_several_lines_takes_one(workplace: Workplace) -> None:
    out, _ = workplace.run(*REWRITE, "-o", r"scripted.suffix=\n.", "-o", 'scripted.extra="\\nx"', TEXT)
    assert out.count("\n") == 1


def test_what_ends_no_line_of_a_file_is_kept(workplace: Workplace) -> None:
    line = "یک\fدو\vسه\u2028چهار\x85پنج"
    assert workplace.run("rewrite", "-r", "copy", stdin=f"{line}\n".encode())[0] == f"{line}\n"


def test_no_input_gives_no_output(workplace: Workplace) -> None:
    assert workplace.run(*REWRITE) == ("", "")


def test_each_line_is_answered_before_the_next_is_sent(workplace: Workplace) -> None:
    process = workplace.start(*REWRITE, stdin=subprocess.PIPE)
    assert process.stdin
    assert process.stdout
    for word in ("یک", "دو", "سه"):
        process.stdin.write(f"{word}\n".encode())
        process.stdin.flush()
        assert process.stdout.readline().decode() == f"{word}!\n"
    process.stdin.close()
    assert process.stdout.read() == b""
    assert process.wait() == 0


def test_a_large_stream_passes_through_in_order(workplace: Workplace) -> None:
    lines = [f"متن شماره {number}" for number in range(20_000)]
    out, _ = workplace.run(*REWRITE, stdin="\n".join(lines).encode())
    assert out.splitlines() == [f"{line}!" for line in lines]


def test_json_tells_what_happened_to_each_line(workplace: Workplace) -> None:
    out, _ = workplace.run(*REWRITE, "--json", TEXT)
    assert json.loads(out) == {
        "input": TEXT,
        "text": f"{TEXT}!",
        "raw": f"raw {TEXT}",
        "fallback": False,
        "details": {},
        "changed": True,
    }
    out, _ = workplace.run(*REWRITE, "--json", "-o", "scripted.suffix= ", TEXT)
    assert json.loads(out)["changed"] is False


@pytest.mark.parametrize(("probability", "category"), [(0.54, None), (0.55, "marking")])
def test_json_names_a_category_from_the_threshold_on(
    workplace: Workplace, probability: float, category: str | None
) -> None:
    details = json.dumps({"probability": probability, "category": "marking"})
    out, _ = workplace.run(*REWRITE, "--json", "-o", f"scripted.details={details}", TEXT)
    assert json.loads(out)["details"] == {"probability": probability, "category": category}


def test_changes_are_marked(workplace: Workplace) -> None:
    assert workplace.run(*REWRITE, "--show-changes", TEXT)[0] == f"{TEXT}{{+!+}}\n"


def test_fallbacks_are_counted_on_standard_error(workplace: Workplace) -> None:
    _, err = workplace.run(*REWRITE, "-o", "scripted.fallback=true", "یک", "دو")
    assert err == "2 texts got no usable answer and were left as they are.\n"


@pytest.mark.parametrize("before", [b"", b"a\n", "یک\n\nدو\n".encode() * 9000])
def test_input_that_is_not_utf8_is_named_after_what_went_before(workplace: Workplace, before: bytes) -> None:
    out, err = workplace.run(*REWRITE, stdin=before + b"ab\xe3cd\nx\n", code=2)
    assert out.count("\n") == before.count(b"\n")
    assert err == (
        f"Error: standard input, line {before.count(b'\n') + 1}: is not UTF-8 text (byte 0xE3 at place 3)."
        " For old Windows files: iconv -f WINDOWS-1256 -t UTF-8 OLD > NEW\n"
    )


def test_the_advice_for_utf16_names_it(workplace: Workplace) -> None:
    _, err = workplace.run(*REWRITE, stdin=TEXT.encode("utf-16"), code=2)
    assert err.endswith(" For such a file: iconv -f UTF-16 -t UTF-8 OLD > NEW\n")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1256", "utf-16", "utf-16-le", "utf-16-be"])
def test_the_encoding_of_a_file_is_found(workplace: Workplace, encoding: str) -> None:
    lines = ["اين مرد مهربان است", "", "او می‌رود\u2028و می‌آید" if encoding != "cp1256" else "او مي‌رود", "تمام"]
    (workplace.folder / "a.txt").write_bytes("\r\n".join(lines).encode(encoding))
    out, _ = workplace.run(*REWRITE, "--json", "--file", "a.txt")
    assert [json.loads(line)["input"] for line in out.split("\n") if line] == lines


def test_a_file_in_two_encodings_is_named_after_what_went_before(workplace: Workplace) -> None:
    old = ("اين مرد مهربان است\n" * 2).encode("cp1256")
    (workplace.folder / "a.txt").write_bytes(old + b"a\n" * 9000 + "زن مهربان\n".encode())
    out, err = workplace.run(*REWRITE, "--file", "a.txt", code=2)
    assert out.count("\n") == 9002
    assert err.startswith("Error: a.txt, line 9003: is UTF-8 in a file of cp1256: 'زن مهربان'")


def test_a_file_of_utf16_that_is_cut_off_is_named(workplace: Workplace) -> None:
    (workplace.folder / "a.txt").write_bytes(TEXT.encode("utf-16")[:-1])
    _, err = workplace.run(*REWRITE, "--file", "a.txt", code=2)
    assert err.startswith("Error: a.txt: is not utf-16-le text or is cut off")


def test_what_is_no_text_file_is_told_so(workplace: Workplace) -> None:
    with ZipFile(workplace.folder / "a.docx", "w", ZIP_DEFLATED) as packed:
        packed.writestr("word/document.xml", f"<w:t>{TEXT}</w:t>" * 99)
    advice = "is no text file. Save or export what it says as plain text in UTF-8, and give that.\n"
    assert workplace.run(*REWRITE, "-f", "a.docx", code=2)[1] == f"Error: a.docx: {advice}"
    noise = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
    assert workplace.run(*REWRITE, stdin=noise, code=2)[1] == f"Error: standard input: {advice}"


def test_an_argument_that_is_not_utf8_is_named(workplace: Workplace) -> None:
    _, err = workplace.run(*REWRITE, TEXT, os.fsdecode(b"\xff"), code=2)
    assert err.startswith("Error: TEXT, line 2: is not UTF-8 text (byte 0xFF at place 1).")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-r", "scriptd"], "There is no rewriter 'scriptd'. Did you mean 'scripted'? Existing: base, copy, gpt, "),
        (["-r", "scripted", "-o", "scripted.sufix=x"], "has no option 'sufix'. Did you mean 'suffix'?"),
        (["-r", "scripted", "-o", "lora.x=1"], "-o lora.x: nothing here is called 'lora'. Here are: scripted."),
        (["-r", "scripted", "-f", "none.txt"], "none.txt"),
    ],
)
def test_a_mistake_is_told_in_one_line(workplace: Workplace, arguments: list[str], message: str) -> None:
    process = workplace.start("rewrite", *arguments, TEXT)
    _, err = process.communicate()
    assert process.returncode in (1, 2)
    assert message in err.decode()
    assert err.count(b"\n") == 1


def test_a_rewriter_that_fails_midway_leaves_what_it_has_answered(workplace: Workplace) -> None:
    out, err = workplace.run(*REWRITE, "-o", "scripted.raise_after=3", "یک", "دو\nسه\nچهار", code=70)
    assert out == "یک!\nدو!\nسه!\n"
    assert "told to raise" in err


@pytest.mark.parametrize("command", ["rewrite", "detect"])
@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("mine.bare=true", f"It answered with '{TEXT}!', not with a Rewrite that holds a text."),
        ("mine.surplus=-1", "It gave 0 answers to 1 texts."),
    ],
)
def test_a_rewriter_that_breaks_its_contract_is_named(
    workplace: Workplace, command: str, option: str, message: str
) -> None:
    (workplace.folder / "gnb.toml").write_text('[rewriters.mine]\nuse = "scripted"\n', "utf-8")
    out, err = workplace.run(command, "-r", "mine", "-o", option, TEXT, code=2)
    assert (out, err) == ("", f"Error: mine failed: {message}\n")


def test_answers_to_spare_end_the_command_as_nobody_knows_whose_they_are(workplace: Workplace) -> None:
    out, err = workplace.run(*REWRITE, "-o", "scripted.surplus=1", "یک", "", "دو", code=2)
    assert out == "یک!\n\nدو!\n"
    assert err == "Error: scripted failed: It gave more than one answer a text to 2 texts.\n"


def test_half_a_surrogate_pair_in_an_answer_is_printed_as_what_utf8_can_hold(
    workplace: Workplace, capfd: pytest.CaptureFixture[str]
) -> None:
    out, _ = workplace.run(*REWRITE, "--json", "-o", r'scripted.details={"note": "\ud800"}', TEXT)
    assert json.loads(out)["details"] == {"note": "\ud800"}
    _show_text(TEXT, Rewrite("a\ud800"))
    assert capfd.readouterr().out == "a?\n"


def test_a_closed_pipe_ends_quietly(workplace: Workplace) -> None:
    process = workplace.start(*REWRITE, stdin=subprocess.PIPE)
    assert process.stdin
    assert process.stdout
    process.stdin.write(b"a\n")
    process.stdin.flush()
    assert process.stdout.readline() == b"a!\n"
    process.stdout.close()
    process.stdin.write(b"b\n" * 1000)
    process.stdin.close()
    assert process.stderr
    assert process.stderr.read() == b""
    assert process.wait() == 0


def test_ctrl_c_ends_with_130(workplace: Workplace) -> None:
    process = workplace.start(*REWRITE, "-o", "scripted.stall_after=1", "یک\nدو")
    assert process.stdout
    assert process.stdout.readline().decode() == "یک!\n"
    process.send_signal(2)
    assert process.communicate()[1] == b"Stopped.\n"
    assert process.returncode == 130


def test_on_a_terminal_an_answer_can_do_no_harm(workplace: Workplace) -> None:
    leader, follower = pty.openpty()
    process = workplace.start(*REWRITE, "-o", 'scripted.extra="\\u001b[2J\\u202e"', TEXT, terminal=follower)
    os.close(follower)
    shown = os.read(leader, 4096).decode()
    process.wait()
    os.close(leader)
    assert shown == rf"{TEXT}!\x1b[2J\u202e" + "\r\n"


def test_the_rewriter_is_closed_at_the_end() -> None:
    with ScriptedRewriter(ScriptedOptions()) as rewriter:
        assert [answer.text for answer in rewriter.rewrite([TEXT])] == [f"{TEXT}!"]
    assert rewriter.closed == 1
