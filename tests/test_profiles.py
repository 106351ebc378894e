"""Profiles: what their sections may hold, and what the built-in ones say."""

import sys
from pathlib import Path
from typing import ClassVar

import pytest

from gnb.core.errors import SettingsError
from gnb.core.options import Options, build_options
from gnb.core.profiles import check_profile, merged_profiles
from gnb.core.registry import Component, Registry
from gnb.core.settings import load_settings
from gnb.metrics.bleu import BleuMetric
from gnb.plugins.manager import installed_plugins
from gnb.rewriters.local.options import LoraOptions


class PluginOptions(Options):
    """Options of a plugin's metric, in a section of its own."""

    profile_section: ClassVar[str | None] = "judge"
    strictness: int = 1
    """How strict it is."""


class PluginMetric(BleuMetric):
    options_model = PluginOptions


@pytest.fixture
def registry() -> Registry:
    """What is installed, and a plugin's metric."""
    own = installed_plugins().registry
    registry = Registry({kind: dict(components) for kind, components in own.components.items()})
    registry.add(Component("metric", "judge", "test_profiles:PluginMetric", "A plugin's metric."))
    return registry


def test_the_built_in_profiles_hold_nothing_unknown():
    for name, tables in merged_profiles({}).items():
        check_profile(name, tables, installed_plugins().registry)


def test_keys_of_any_component_of_a_section_are_known(registry: Registry):
    tables = {"summary": "Mine.", "model": {"adapter": "a", "base_model": "b", "threshold": 0.7}}
    check_profile("mine", {**tables, "judge": {"strictness": 2}, "bertscore": {"layer": 3}}, registry)


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"model": {"adaptor": "x"}}, "profile 'mine', section 'model': .* 'adaptor'. Did you mean 'adapter'"),
        ({"modle": {"adapter": "x"}}, "unknown section 'modle'. Did you mean 'model'"),
        ({"judge": {"strictnes": 1}}, "Did you mean 'strictness'"),
        ({"model": "embedded"}, "model must be a table"),
        ({"summary": {"text": "x"}}, "summary must be one line"),
    ],
)
def test_what_no_component_reads_is_refused_with_the_nearest_name(
    registry: Registry, tables: dict[str, object], message: str
):
    with pytest.raises(SettingsError, match=message) as told:
        check_profile("mine", tables, registry)
    assert "\n" not in str(told.value)


def test_a_plugin_that_cannot_be_imported_keeps_no_profile_from_being_used(registry: Registry):
    registry.add(Component("metric", "broken", "no_such_module:Metric", "Broken."))
    check_profile("mine", {"model": {"known_to_the_broken_one": 1}}, registry)


def test_a_wrong_key_is_told_when_a_component_is_chosen(tmp_path: Path, registry: Registry):
    (tmp_path / "gnb.toml").write_text('profile = "mine"\n[profiles.mine.model]\nquantization = "8bit"\n', "utf-8")
    settings = load_settings(tmp_path / "gnb.toml")
    with pytest.raises(SettingsError, match="Did you mean 'quantisation'"):
        settings.choose("rewriter", "lora", registry)


def test_without_a_profile_of_the_users_own_the_chosen_component_alone_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registry: Registry
):
    (tmp_path / "another_component.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    registry.add(Component("metric", "another", "another_component:Metric", "Another."))
    load_settings(None).choose("rewriter", "copy", registry)
    assert "another_component" not in sys.modules


def test_the_4_bit_profile_is_the_study_model_in_4_bits(registry: Registry):
    choice = load_settings(None, "llama3-4bit").choose("rewriter", "lora", registry)
    options = build_options(LoraOptions, choice.values, "lora")
    assert (options.base_model, options.quantisation) == ("meta-llama/Meta-Llama-3-8B", "4bit")


@pytest.mark.parametrize("option", ["threshold", "length_margin"])
def test_true_is_no_number(option: str):
    with pytest.raises(SettingsError, match=f"option '{option}': write a number, not true or false .got True"):
        build_options(LoraOptions, {option: True}, "rewriter 'lora'")
