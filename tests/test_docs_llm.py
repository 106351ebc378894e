"""The page about large language models: what it shows is accepted by the real commands, options and settings."""

import re
import shlex
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest
from test_docs import ROOT, code_commands

from gnb.core.options import build_options
from gnb.core.settings import Settings, load_settings
from gnb.plugins.manager import installed_plugins
from gnb.training.options import preset_values

PAGE = (ROOT / "docs" / "llm.md").read_text("utf-8")
COMMANDS = list(dict.fromkeys(code_commands(PAGE)))
TABLES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


def values_of(words: list[str], *names: str) -> list[str]:
    """Return what stands behind an option in a command."""
    return [value for name, value in pairwise(words) if name in names]


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    """All that the page puts into a gnb.toml."""
    file = tmp_path / "gnb.toml"
    file.write_text("\n".join(TABLES), "utf-8")
    return file


@pytest.mark.parametrize("line", [line for line in COMMANDS if " " in line])
def test_every_option_of_every_command_is_accepted(line: str, settings_file: Path) -> None:
    words = shlex.split(line)
    profile = next(iter(values_of(words, "--profile")), None)
    if words[1] == "doctor":
        profile = next((word for word in words[2:] if word in load_settings(settings_file).profiles()), None)
    settings = load_settings(settings_file, profile, tuple(values_of(words, "-o")))
    registry = installed_plugins().registry
    choices = [
        settings.choose("rewriter", name, registry)
        for names in values_of(words, "-r") or ["base,lora"]
        for name in names.split(",")
    ]
    settings.check_overrides(choices)
    for choice in choices:
        component = registry.get("rewriter", choice.name).import_class()
        build_options(component.options_model, choice.values, line)
    for preset in values_of(words, "--preset"):
        assert preset_values(preset)


@pytest.mark.parametrize("text", TABLES)
def test_every_settings_file_is_accepted(text: str, tmp_path: Path) -> None:
    (tmp_path / "gnb.toml").write_text(text, "utf-8")
    settings = load_settings(tmp_path / "gnb.toml")
    registry = installed_plugins().registry
    for name in tomllib.loads(text).get("profiles", {}):
        Settings(settings.file, name).choose("rewriter", "base", registry)
    for experiment in settings.file.experiments.values():
        assert [settings.choose("rewriter", name, registry).name for name in experiment.rewriters]


def test_the_page_names_every_profile() -> None:
    assert [name for name in Settings().profiles() if f"`{name}`" not in PAGE] == []


def test_no_command_of_the_page_shows_a_key() -> None:
    assert not re.search(r"\bsk-|hf_[A-Za-z]{8}", PAGE)
