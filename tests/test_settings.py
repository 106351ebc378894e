"""What is wrong in `gnb.toml` or in `-o` ends in one line that says where."""

from pathlib import Path

import pytest
from commands import gnb


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "g.toml"


def told(file: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command that a mistake ends, and return the one line that it says; the file need not be there."""
    code = gnb(*arguments, *(("--config", str(file)) if file.exists() else ()))
    out, err = capsys.readouterr()
    assert (code, out, err.count("\n")) == (2, "", 1), err
    return err


@pytest.mark.parametrize("value", ["5", '["lora"]', "{a = 1}", "true"])
@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        ("rewriters", ("rewrite", "-r", "x", "متن")),
        ("rewriters", ("compare", "-r", "x")),
        ("rewriters", ("tune", "-r", "x")),
        ("sources", ("compare", "-s", "x", "-r", "copy")),
        ("metrics", ("compare", "-m", "x", "-r", "copy")),
    ],
)
def test_use_takes_a_name_and_nothing_else(
    file: Path, capsys: pytest.CaptureFixture[str], value: str, kind: str, arguments: tuple[str, ...]
) -> None:
    file.write_text(f"[{kind}.x]\nuse = {value}\n", "utf-8")
    assert told(file, capsys, *arguments) == f"Error: {file}: {kind}.x.use: Input should be a valid string.\n"


@pytest.mark.parametrize("key", ["limit", "seed"])
def test_true_is_no_number_in_an_experiment(file: Path, capsys: pytest.CaptureFixture[str], key: str) -> None:
    file.write_text(f"[experiments.x]\n{key} = true\n", "utf-8")
    line = told(file, capsys, "compare", "-e", "x")
    assert line == f"Error: {file}: experiments.x.{key}: Input should be a valid integer.\n"


@pytest.mark.parametrize("table", ['[rewriters.x]\nuse = "x"\n', "[rewriters.x]\nthreshold = 0.9\n"])
def test_a_table_that_leads_to_no_component_is_not_suggested_for_itself(
    file: Path, capsys: pytest.CaptureFixture[str], table: str
) -> None:
    file.write_text(table, "utf-8")
    line = told(file, capsys, "rewrite", "-r", "x", "متن")
    assert line == "Error: There is no rewriter 'x'. Existing: base, copy, gpt, lora.\n"


def test_a_table_takes_no_name_of_a_rewriter_that_it_is_none_of(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text('[rewriters.copy]\nuse = "lora"\n', "utf-8")
    for command in (("rewrite", "-r", "copy", "متن"), ("compare", "-r", "base")):
        line = told(file, capsys, *command)
        assert line.startswith("Error: [rewriters.copy] uses 'lora', though 'copy' is a rewriter itself.")


def test_a_table_uses_no_other_table(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text('[rewriters.a]\nuse = "b"\n[rewriters.b]\nuse = "lora"\n', "utf-8")
    line = told(file, capsys, "rewrite", "-r", "a", "متن")
    assert line == "Error: 'a' uses 'b', which is a table itself: name the rewriter that it uses.\n"


@pytest.mark.parametrize("nested", ["[" * 3000 + "]" * 3000, "{a=" * 3000 + "1" + "}" * 3000])
def test_a_settings_file_that_is_nested_too_deeply_is_refused(
    file: Path, capsys: pytest.CaptureFixture[str], nested: str
) -> None:
    file.write_text(f"[rewriters.lora]\nthreshold = {nested}\n", "utf-8")
    assert told(file, capsys, "rewrite", "-r", "copy", "متن") == f"Error: {file}: is nested too deeply.\n"


def test_a_number_that_is_too_long_for_python_is_no_valid_toml(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(f"[rewriters.lora]\nthreshold = {'9' * 5000}\n", "utf-8")
    assert "g.toml: is not valid TOML: Exceeds the limit" in told(file, capsys, "rewrite", "-r", "copy", "متن")


@pytest.mark.parametrize("value", ["[" * 100_000, "[" * 100_000 + "]" * 100_000, '{"a":' * 100_000, "9" * 100_000])
def test_a_long_value_is_repeated_in_part(file: Path, capsys: pytest.CaptureFixture[str], value: str) -> None:
    line = told(file, capsys, "rewrite", "-r", "lora", "-o", f"lora.threshold={value}", "متن")
    assert line.startswith("Error: rewriter 'lora', option 'threshold': Input should be ")
    assert f"(got '{value[:150]}" in line
    assert len(line) < 400


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-r", "copy", "-o", "x" * 5000), "x…: write LABEL.OPTION=VALUE"),
        (("-r", "x" * 5000), "x…. Existing: base"),
        (("-r", "copy", "-o", f"copy.{'x' * 5000}=1"), "x…. Its options: none."),
    ],
)
def test_a_long_name_is_repeated_in_part(
    file: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    line = told(file, capsys, "rewrite", *arguments, "متن")
    assert message in line
    assert len(line) < 400
