"""The docs say what the code does: commands parse, code blocks are the files they name, reference pages are current."""

import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from commands import gnb

from gnb.cli.main import cli
from gnb.core.manifest import MANIFEST
from gnb.core.options import build_options
from gnb.core.preparation.workspace import OUTPUTS
from gnb.core.settings import Experiment, SettingsFile, load_settings
from gnb.plugins.manager import HOOKS, installed_plugins

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "examples").glob("*/*.md")])
TEXTS = {page: page.read_text("utf-8") for page in PAGES}
_COMMAND = re.compile(r"^(?: {4}|\$ )(gnb [^`\n]*?)(?:\s+#.*)?$|`(gnb [^`\n]*)`", re.MULTILINE)
_MAKE = re.compile(r"\bmake ([a-z]+)\b(?=`|$| +#)", re.MULTILINE)
_FILE = re.compile(r"<!-- file: (?P<path>\S+) -->\n+```\w*\n(?P<code>.*?)```", re.DOTALL)
_LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


def code_commands(text: str) -> Iterator[str]:
    """Yield the `gnb ...` command lines of a page: in code spans, and as lines of their own."""
    without_help = re.sub(r"```text\n.*?```", "", text, flags=re.DOTALL)
    for match in _COMMAND.finditer(without_help):
        yield (match[1] or match[2]).strip()


COMMANDS = sorted({command for text in TEXTS.values() for command in code_commands(text)})


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_in_the_docs_parses(line: str) -> None:
    words = shlex.split(re.split(r" (?:\||>|<) ?", line)[0])[1:]
    words = [word for word in words if word not in ("...", "…")]
    context = click.Context(cli, info_name="gnb")
    if not words or words[0] in ("--help", "--version") or not words[0].islower():
        return
    name, command, rest = cli.resolve_command(context, words)
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        name, command, rest = command.resolve_command(context, rest)
    assert command
    if "--help" in rest or not rest:  # without arguments it is a mention
        return
    try:
        command.make_context(name, rest, parent=context)
    except click.BadParameter as error:
        # The files that an example names need not exist; everything else has to be right.
        if not (error.param and isinstance(error.param.type, click.Path)):
            raise


def test_the_docs_show_every_command() -> None:
    shown = {command.split()[1] for command in COMMANDS if len(command.split()) > 1}
    assert set(cli.list_commands(click.Context(cli))) <= shown


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_make_target_in_the_docs_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(_MAKE.findall(TEXTS[page])) <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_inside_the_project_leads_somewhere(page: Path) -> None:
    assert [link for link in _LINK.findall(TEXTS[page]) if not (page.parent / link).exists()] == []


BLOCKS = [(match["path"], match["code"]) for text in TEXTS.values() for match in _FILE.finditer(text)]


@pytest.mark.parametrize(("path", "code"), BLOCKS, ids=[path for path, _ in BLOCKS])
def test_code_in_the_docs_is_the_file_that_it_names(path: str, code: str) -> None:
    assert (ROOT / path).read_text("utf-8") == code


def test_the_tutorial_shows_the_whole_example_plugin() -> None:
    files = [path for path in (ROOT / "examples").rglob("*") if path.suffix in (".py", ".toml")]
    assert {str(path.relative_to(ROOT)) for path in files} == {path for path, _ in BLOCKS if "examples/" in path}


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_is_documented(hook: str) -> None:
    assert f"`{hook}(register)`" in TEXTS[ROOT / "docs" / "plugins.md"]


def test_every_component_is_documented() -> None:
    page = TEXTS[ROOT / "docs" / "options.md"]
    ours = [
        component
        for components in installed_plugins().registry.components.values()
        for component in components.values()
        if component.provider.startswith("gnb ")
    ]
    assert [component.name for component in ours if f"### {component.name}\n" not in page] == []


def test_the_generated_pages_are_current() -> None:
    command = [sys.executable, "docs/generate.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, encoding="utf-8", capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_docs_name_every_file_that_prepare_writes() -> None:
    page = TEXTS[ROOT / "docs" / "sources.md"]
    assert [name for name in (*OUTPUTS, MANIFEST) if f"`{name}`" not in page] == []


SETTINGS = TEXTS[ROOT / "docs" / "settings.md"]


@pytest.fixture
def settings_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The `gnb.toml` of the docs in a folder of its own, beside the table that it names."""
    monkeypatch.chdir(tmp_path)
    found = re.search(r"```toml\n(.*?)```", SETTINGS, re.DOTALL)
    assert found
    (tmp_path / "comments.csv").write_text("body,first,second\nمرد باش!,قوی باش!,شجاع باش!\n", "utf-8")
    path = tmp_path / "gnb.toml"
    path.write_text(found[1], "utf-8")
    return path


def test_the_settings_of_the_docs_show_all_that_there_is(settings_file: Path) -> None:
    assert tomllib.loads(settings_file.read_text("utf-8")).keys() == SettingsFile.model_fields.keys()
    assert [key for key in Experiment.model_fields if f"`{key}`" not in SETTINGS] == []


def test_the_settings_of_the_docs_are_read_as_they_say(settings_file: Path) -> None:
    settings, registry, options = load_settings(settings_file), installed_plugins().registry, {}
    experiment = settings.file.experiments["thresholds"]
    asked = {"source": experiment.sources, "rewriter": experiment.rewriters, "metric": ("bertscore",)}
    for kind, names in asked.items():
        for choice in (settings.choose(kind, name, registry) for name in names):
            model = registry.get(kind, choice.name).import_class().options_model
            options[choice.label] = build_options(model, choice.values, choice.label)
    assert [(options[name].adapter, options[name].threshold) for name in ("lora", "bold")] == [
        ("our-adapter", 0.9),
        ("our-adapter", 0.5),
    ]
    assert (options["bertscore"].model, options["bertscore"].layer) == ("embedded", 12)


def test_the_experiment_of_the_docs_reads_its_source(settings_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gnb("compare", "--experiment", "thresholds", "-r", "copy", "-m", "edit", "--json") == 0
    assert '"texts": 1' in capsys.readouterr().out
