"""Third-party packages, really installed: a rewriter gets a row of the matrix with no line of gnb changed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
REWRITER, SOURCE = EXAMPLES / "gnb-lexicon", EXAMPLES / "gnb-pairs"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip has installed the example packages, built from their sources, without any index."""
    folder = tmp_path_factory.mktemp("site")
    options = ["--no-index", "--no-deps", "--no-build-isolation", "--quiet", "--target", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, str(REWRITER), str(SOURCE)], check=True)
    return folder


def run(site: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a module in a process that sees the installed package."""
    environment = {**os.environ, "PYTHONPATH": str(site)}
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, encoding="utf-8", capture_output=True, check=False)


@pytest.mark.parametrize(("kind", "name"), [("rewriter", "lexicon"), ("source", "pairs")])
def test_the_installed_package_is_listed(site: Path, tmp_path: Path, kind: str, name: str) -> None:
    done = run(site, tmp_path, "gnb", "plugins", "--json")
    [row] = [row for row in json.loads(done.stdout)["components"] if row["name"] == name]
    assert (row["kind"], row["provider"], row["status"]) == (kind, f"gnb-{name} 0.1.0", "ready")


def test_texts_of_its_source_are_judged(site: Path, tmp_path: Path) -> None:
    (tmp_path / "pairs.txt").write_text("دولتمردان آمدند. | مقامات آمدند.\nمرد عمل\n", "utf-8")
    choice = ["--rewriters", "lexicon", "--sources", "pairs:pairs.txt", "--split", "all", "--metrics", "edit"]
    done = run(site, tmp_path, "gnb", "compare", *choice, "--json")
    assert done.returncode == 0, done.stderr
    assert "pairs.txt:2: no neutral form; expected TEXT | NEUTRAL" in done.stderr
    rows = {row["label"]: row["scores"] for row in json.loads(done.stdout)["rows"]}
    assert rows["lexicon"]["edit"]["f05"] == 1
    assert "\n1 text; " in run(site, tmp_path, "gnb", "compare", *choice).stdout


def test_its_rewriter_has_a_row_in_the_matrix(site: Path, tmp_path: Path) -> None:
    source = ["--sources", "bundled:abcdefgijk", "--split", "all"]
    choice = ["--rewriters", "lexicon", *source, "--metrics", "bleu,edit,detection"]
    done = run(site, tmp_path, "gnb", "compare", *choice, "--json")
    assert done.returncode == 0, done.stderr
    rows = {row["label"]: row["scores"] for row in json.loads(done.stdout)["rows"]}
    assert list(rows) == ["copy", "lexicon"]
    assert rows["copy"]["detection"]["recall"] == 0
    assert rows["lexicon"]["detection"]["recall"] > 0
    assert rows["lexicon"]["detection"]["precision"] == 1


def test_its_options_are_set_as_those_of_our_own(site: Path, tmp_path: Path) -> None:
    option = 'lexicon.extra={"باران": "برف"}'
    done = run(site, tmp_path, "gnb", "rewrite", "--rewriter", "lexicon", "-o", option, "دولتمردان زیر باران")
    assert done.stdout == "مقامات زیر برف\n", done.stderr
    wrong = run(site, tmp_path, "gnb", "rewrite", "--rewriter", "lexicon", "-o", "lexicon.extras=1", "متن")
    assert wrong.returncode == 2
    assert "has no option 'extras'. Did you mean 'extra'?" in wrong.stderr


@pytest.mark.parametrize("example", [REWRITER, SOURCE])
def test_the_tests_that_come_with_it_pass(site: Path, tmp_path: Path, example: Path) -> None:
    done = run(site, tmp_path, "pytest", "-q", "-p", "no:cacheprovider", str(example / "tests"))
    assert done.returncode == 0, done.stdout
