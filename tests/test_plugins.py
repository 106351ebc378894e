"""Plugins as a user meets them: real distributions on the path, and the real command in a process of its own."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

GOOD = """
from gnb.plugins import hookimpl

@hookimpl
def register_rewriters(register):
    register("{name}", "gnb.rewriters.copy:CopyRewriter", "Copies.")
"""


@dataclass
class Site:
    """A folder on the path into which distributions are laid."""

    folder: Path

    def add(self, distribution: str, code: str, *, point: str = "", module: str = "", value: str = "") -> None:
        """Lay a distribution with one module and one entry point."""
        module = module or distribution.replace("-", "_")
        (self.folder / f"{module}.py").write_text(code, "utf-8")
        info = self.folder / f"{distribution.replace('-', '_')}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[gnb]\n{point or distribution} = {value or module}\n")

    def run(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Run `gnb` with the folder on its path and expect an exit code."""
        command = [sys.executable, "-m", "gnb", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(self.folder)}
        done = subprocess.run(
            command, env=environment, cwd=self.folder, encoding="utf-8", capture_output=True, check=False
        )
        assert done.returncode == code, done.stderr
        return done

    def listing(self) -> dict[str, list[dict[str, str]]]:
        """Return `gnb plugins --json`."""
        return json.loads(self.run("plugins", "--json").stdout)

    def names(self) -> list[str]:
        """Return the names of all listed components."""
        return [row["name"] for row in self.listing()["components"]]

    def reasons(self) -> dict[str, str]:
        """Return the reasons of the broken plugins by distribution and version."""
        return {row["provider"]: row["reason"] for row in self.listing()["broken"]}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_our_own_components_are_listed_with_their_distribution(site: Site) -> None:
    listing = site.listing()
    found = {(row["kind"], row["name"]): row for row in listing["components"]}
    assert found["rewriter", "copy"]["status"] == "ready"
    assert found["rewriter", "copy"]["provider"].startswith("gnb ")
    assert {"bundled", "chatgpt", "tweets", "prepared"} <= {name for kind, name in found if kind == "source"}
    assert {"bleu", "bertscore", "edit", "preservation", "detection"} <= {
        name for kind, name in found if kind == "metric"
    }
    assert listing["broken"] == []


def test_a_plugin_on_the_path_is_listed(site: Site) -> None:
    site.add("stranger", GOOD.format(name="twin"))
    [row] = [row for row in site.listing()["components"] if row["name"] == "twin"]
    assert (row["provider"], row["status"], row["summary"]) == ("stranger 1.0", "ready", "Copies.")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import no_such_module", "cannot be imported from 'bad': ModuleNotFoundError: No module named"),
        ("def broken(:", "cannot be imported from 'bad': SyntaxError: invalid syntax"),
        ("raise SystemExit(3)", "cannot be imported from 'bad': SystemExit: 3"),
        ("raise RuntimeError('two\\nlines')", "cannot be imported from 'bad': RuntimeError: two lines"),
        ("x = 1", "implements no hook; the hooks are register_sources, register_rewriters, register_metrics"),
    ],
)
def test_a_plugin_that_cannot_be_loaded_is_listed_and_the_others_go_on(site: Site, code: str, reason: str) -> None:
    site.add("bad", code)
    site.add("good", GOOD.format(name="twin"))
    assert site.reasons()["bad 1.0"].startswith(reason)
    assert "twin" in site.names()


@pytest.mark.parametrize("value", ["no_such_module", "bad:nothing", "not a module!"])
def test_an_entry_point_that_leads_nowhere_is_listed(site: Site, value: str) -> None:
    site.add("bad", "", value=value)
    assert site.reasons()["bad 1.0"].startswith(f"cannot be imported from {value!r}")


@pytest.mark.parametrize("metadata", ["", "gibberish"])
def test_a_half_installed_distribution_stops_nothing(site: Site, metadata: str) -> None:
    info = site.folder / "half-1.0.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_text(f"[gnb]\n{metadata}")
    site.add("good", GOOD.format(name="twin"))
    assert "twin" in site.names()


def test_a_hook_that_raises_half_way_keeps_what_it_announced_and_the_other_hooks(site: Site) -> None:
    code = GOOD.format(name="before") + (
        "    raise ValueError('half-way')\n\n"
        "@hookimpl\n"
        "def register_metrics(register):\n"
        "    register('after', 'gnb.metrics.edit:EditMetric', 'Edits.')\n"
    )
    site.add("bad", code)
    assert site.reasons() == {"bad 1.0": "failed in register_rewriters: ValueError: half-way"}
    assert {"before", "after"} <= set(site.names())


def test_a_hook_that_exits_or_asks_for_unknown_arguments_is_listed(site: Site) -> None:
    site.add("exits", GOOD.format(name="one") + "    raise SystemExit\n")
    site.add("asks", GOOD.format(name="two").replace("(register)", "(register, colour)"))
    reasons = site.reasons()
    assert reasons["exits 1.0"] == "failed in register_rewriters: SystemExit"
    assert "cannot be registered: PluginValidationError" in reasons["asks 1.0"]
    assert "colour" in reasons["asks 1.0"]


@pytest.mark.parametrize("name", ["register_rewriter", "register_rewritters", "add_rewriters"])
def test_a_misspelt_hook_is_named_with_the_nearest(site: Site, name: str) -> None:
    site.add("bad", GOOD.format(name="twin").replace("register_rewriters", name))
    assert f"implements an unknown hook {name!r}. Did you mean 'register_rewriters'" in site.reasons()["bad 1.0"]


def test_a_hook_without_its_mark_is_named(site: Site) -> None:
    site.add("bad", GOOD.format(name="twin").replace("@hookimpl", ""))
    assert site.reasons()["bad 1.0"].startswith("register_rewriters lacks the mark @hookimpl")


def test_a_hook_that_returns_instead_of_registering_is_named(site: Site) -> None:
    site.add("bad", GOOD.format(name="twin").replace("    register(", "    return [").replace('")', '"]'))
    assert "register_rewriters returned a value" in site.reasons()["bad 1.0"]


def test_a_hook_may_live_in_an_object(site: Site) -> None:
    body = GOOD.format(name="twin").replace("\n@", "\nclass Plugin:\n    @").replace("\ndef ", "\n    def ")
    body = body.replace("(register)", "(self, register)").replace("\n    register(", "\n        register(")
    site.add("stranger", body + "\nplugin = Plugin()\n", value="stranger:plugin")
    assert "twin" in site.names()
    assert site.reasons() == {}


def test_the_second_claimant_of_a_name_is_broken_and_the_first_is_named(site: Site) -> None:
    site.add("aaa", GOOD.format(name="twin"))
    site.add("bbb", GOOD.format(name="twin") + "    register('other', 'gnb.rewriters.copy:CopyRewriter', 'Copies.')\n")
    site.add("thief", GOOD.format(name="copy"))
    reasons = site.reasons()
    assert reasons["bbb 1.0"] == "rewriter 'twin' is already provided by aaa 1.0"
    assert reasons["thief 1.0"].startswith("rewriter 'copy' is already provided by gnb ")
    assert "other" in site.names()


def test_of_two_distributions_with_one_entry_point_name_the_second_is_broken(site: Site) -> None:
    site.add("aaa", GOOD.format(name="one"), point="same")
    site.add("bbb", GOOD.format(name="two"), point="same")
    assert site.reasons() == {"bbb 1.0": "has the entry-point name of aaa 1.0"}
    assert "one" in site.names()
    assert "two" not in site.names()


@pytest.mark.parametrize("name", ["Twin", "two words", "a=b", "a:b", "a,b", "", "-a", "دوقلو"])
def test_a_malformed_component_name_is_refused(site: Site, name: str) -> None:
    site.add("bad", GOOD.format(name=name))
    assert site.reasons()["bad 1.0"].startswith(f"rewriter {name!r}: the name may hold lower-case letters")


@pytest.mark.parametrize(
    ("announced", "reason"),
    [
        ('"a", "b:C", "D.", requires=None', "rewriter 'a': requires must hold the names of modules"),
        ('"a", "b:C", "D.", requires=[5]', "rewriter 'a': requires must hold the names of modules"),
        ('"a", "b:C", "D.", install=5', "rewriter 'a': install must be a text, got 5"),
        ('5, "b:C", "D."', "rewriter 5: name must be a text, got 5"),
        ('"a", None, "D."', "rewriter 'a': reference must be a text, got None"),
        ('"a", "b:C", None', "rewriter 'a': summary must be a text, got None"),
    ],
)
def test_a_field_of_a_wrong_type_costs_one_component_alone(site: Site, announced: str, reason: str) -> None:
    before, after = GOOD.format(name="twin").split("    register(")
    site.add("bad", f"{before}    register({announced})\n    register({after}")
    assert site.reasons() == {"bad 1.0": reason}
    assert "twin" in site.names()


def test_a_reference_to_nothing_is_listed_and_told_when_it_is_used(site: Site) -> None:
    site.add("bad", GOOD.format(name="ghost").replace("gnb.rewriters.copy", "bad.nowhere"))
    site.add("worse", GOOD.format(name="void").replace("CopyRewriter", "NoSuchClass"))
    site.add("wrong", GOOD.format(name="shape").replace(":CopyRewriter", ""))
    [row] = [row for row in site.listing()["components"] if row["name"] == "ghost"]
    assert row["status"] == "broken: there is no module bad.nowhere"
    used = site.run("plugins", "void", code=2).stderr
    assert used.startswith("Error: rewriter 'void' of worse 1.0 cannot be imported: ")
    assert "NoSuchClass" in used
    assert "is not of the form 'package.module:Class'" in site.reasons()["wrong 1.0"]


def test_a_class_of_another_kind_is_refused_when_it_is_used(site: Site) -> None:
    site.add("bad", GOOD.format(name="number").replace("gnb.rewriters.copy:CopyRewriter", "decimal:Decimal"))
    assert "decimal:Decimal is no Rewriter class" in site.run("plugins", "number", code=2).stderr


def test_what_is_missing_is_named_with_the_command_that_installs_it(site: Site) -> None:
    with_install = GOOD.format(name="one").replace('")', '", requires=["no_such_a"], install="pip install one[all]")')
    without = GOOD.format(name="two").replace('")', '", requires="no_such_b")')
    site.add("aaa", with_install)
    site.add("bbb", without)
    rows = {row["name"]: row for row in site.listing()["components"]}
    assert (rows["one"]["status"], rows["one"]["install"]) == ("needs no_such_a", "pip install one[all]")
    assert (rows["two"]["status"], rows["two"]["install"]) == ("needs no_such_b", "pip install no_such_b")
    plain = site.run("plugins").stdout.splitlines()
    assert "rewriter\tone\tneeds no_such_a\taaa 1.0\tCopies.\tpip install one[all]" in plain


def test_tracebacks_are_shown_on_request_only(site: Site) -> None:
    site.add("bad", "raise RuntimeError('here')")
    assert "Traceback" not in site.run("plugins").stdout
    assert "plugin\tbad\tbroken\tbad 1.0\tcannot be imported" in site.run("plugins").stdout
    shown = site.run("plugins", "--traceback").stdout
    assert "Traceback (most recent call last)" in shown
    assert "RuntimeError: here" in shown


def test_what_a_plugin_prints_stays_out_of_the_results(site: Site) -> None:
    site.add("loud", "print('noise')\n" + GOOD.format(name="twin") + "    print('more noise')\n")
    assert "twin" in site.names()
    assert "noise" in site.run("plugins").stderr


def test_another_command_goes_on_and_mentions_the_broken_plugin(site: Site) -> None:
    site.add("bad", "raise RuntimeError('here')")
    done = site.run("rewrite", "--rewriter", "copy", "سلام")
    assert done.stdout == "سلام\n"
    assert "Skipped: plugin 'bad' of bad 1.0 cannot be imported from 'bad': RuntimeError: here." in done.stderr


def test_options_are_shown_with_type_default_and_description(site: Site) -> None:
    code = GOOD.format(name="tuned").replace("gnb.rewriters.copy:CopyRewriter", "tuned:Tuned") + (
        "from typing import Literal\n"
        "from gnb.core.options import Options\n"
        "from gnb.rewriters.copy import CopyRewriter\n"
        "class TunedOptions(Options):\n"
        "    mode: Literal['fast', 'slow'] = 'fast'\n"
        '    """How to go."""\n'
        "    limit: int | None = None\n"
        '    """Most texts, from 1."""\n'
        "    path: str\n"
        "class Tuned(CopyRewriter):\n"
        "    options_model = TunedOptions\n"
    )
    site.add("tuned", code)
    lines = site.run("plugins", "tuned").stdout.splitlines()
    assert lines[0] == "rewriter tuned: Copies."
    assert "mode\t'fast' | 'slow'\t\"fast\"\tHow to go." in lines
    assert "limit\tint | None\tnull\tMost texts, from 1." in lines
    assert "path\tstr\trequired\t" in lines
    record = json.loads(site.run("plugins", "tuned", "--json").stdout)
    assert [option["name"] for option in record["components"][0]["options"]] == ["mode", "limit", "path"]


def test_an_unknown_component_is_refused_with_the_nearest(site: Site) -> None:
    stderr = site.run("plugins", "copi", code=2).stderr
    assert stderr.startswith("Error: There is no component 'copi'. Did you mean 'copy'")
