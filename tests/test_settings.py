"""What is wrong in `gnb.toml` or in `-o` ends in one line that says where."""

from pathlib import Path

import pytest
from commands import gnb


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "g.toml"


def told(file: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command that a mistake ends, and return the one line that it says."""
    code = gnb(*arguments, "--config", str(file))
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


@pytest.mark.parametrize("table", ['[rewriters.x]\nuse = "x"\n', "[rewriters.x]\nthreshold = 0.9\n"])
def test_a_table_that_leads_to_no_component_is_not_suggested_for_itself(
    file: Path, capsys: pytest.CaptureFixture[str], table: str
) -> None:
    file.write_text(table, "utf-8")
    line = told(file, capsys, "rewrite", "-r", "x", "متن")
    assert line == "Error: There is no rewriter 'x'. Existing: base, copy, gpt, lora.\n"
