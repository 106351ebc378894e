"""Light commands stay light: each runs in a fresh interpreter that refuses the heavy libraries."""

import subprocess
import sys
from pathlib import Path

import pytest

from gnb.cli.main import COMMANDS

HEAVY = ("torch", "transformers", "peft", "datasets", "bert_score", "selenium", "openai", "matplotlib")
REFUSE = """
import sys
from importlib.machinery import ModuleSpec

class Refuse:
    # It can be looked for, as on a machine that has it, but any import of it fails, as on one that has not.
    def find_spec(self, name, path=None, target=None):
        return ModuleSpec(name, self) if name.partition(".")[0] in {refused!r} else None

    def create_module(self, spec):
        raise ImportError(f"{{spec.name}} was imported by a light command")

sys.meta_path.insert(0, Refuse())
"""
PROGRAM = """
sys.argv = ["gnb", *{arguments!r}]
from gnb.cli.main import main
main()
"""


def run(folder: Path, refused: tuple[str, ...], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `gnb` in an interpreter in which the refused libraries can be looked for, but not imported."""
    program = REFUSE.format(refused=refused) + PROGRAM.format(arguments=arguments)
    command = [sys.executable, "-c", program]
    return subprocess.run(command, cwd=folder, encoding="utf-8", capture_output=True, check=False)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], *([name, "--help"] for name in COMMANDS)])
def test_help_imports_neither_heavy_libraries_nor_those_that_settings_and_text_need(
    tmp_path: Path, arguments: list[str]
) -> None:
    needless = ("hazm", "pydantic", "pyarrow", "numpy", "sacrebleu", "sqlite_utils", "rich", "pluggy")
    done = run(tmp_path, (*HEAVY, *needless), *arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(("Usage: gnb", "gnb, version"))


@pytest.mark.parametrize(
    "arguments",
    [
        ["plugins"],
        ["plugins", "--json"],
        ["plugins", "lora"],
        ["plugins", "bertscore"],
        ["doctor"],
        ["rewrite", "--rewriter", "copy", "سلام"],
        ["compare", "--rewriters", "copy", "--metrics", "edit,detection,preservation,bleu", "--limit", "20"],
    ],
)
def test_a_command_without_a_model_imports_no_heavy_library(tmp_path: Path, arguments: list[str]) -> None:
    done = run(tmp_path, HEAVY, *arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.parametrize("arguments", [["rewrite"], ["detect"], ["rewrite", "-o", "lora.detector=none"]])
def test_the_embedded_model_needs_torch_alone_of_the_heavy_libraries(tmp_path: Path, arguments: list[str]) -> None:
    needless = ("scipy", "sklearn", "pandas", "sympy", "accelerate", "torchvision", "huggingface_hub", "triton")
    refused = (*needless, *(name for name in HEAVY if name != "torch"))
    many = ["مردان قوی هستند و زنان احساساتی."] * 9  # a few need not even that (test_quick)
    done = run(tmp_path, refused, *arguments, *many)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_the_package_offers_detection_and_imports_it_when_it_is_asked_for(tmp_path: Path) -> None:
    lines = (
        "import sys, gnb",
        "print({'detect', '__version__'} <= {*dir(gnb)}, 'pydantic' in sys.modules)",
        "from gnb import *",
        "print(callable(detect), __version__ == gnb.__version__)",
    )
    code = f"{REFUSE.format(refused=HEAVY)}\n" + "\n".join(lines)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, encoding="utf-8", capture_output=True, check=False
    )
    assert (done.stdout, done.stderr) == ("True False\nTrue True\n", "")
