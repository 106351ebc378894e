"""The shape of the code, read from its imports: who may know whom."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from gnb.core.registry import Component
from gnb.plugins import builtin
from gnb.plugins.describe import all_components
from gnb.plugins.manager import Plugins, add_plugin

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "gnb").rglob("*.py"))
COMPONENTS = ("sources", "rewriters", "metrics")
HEAVY = {"torch", "transformers", "peft", "datasets", "bert_score", "selenium", "openai", "matplotlib", "accelerate"}


def our_components() -> list[Component]:
    """Return what gnb's own plugin announces, whatever else is installed."""
    plugins = Plugins()
    add_plugin(plugins, builtin, "builtin", "gnb")
    return all_components(plugins.registry)


def name_of(path: Path) -> str:
    """Return a file's path inside the project, for messages."""
    return str(path.relative_to(ROOT))


def imports(path: Path, *, top_level: bool = False) -> Iterator[str]:
    """Yield the modules that a file imports at run time: all, or those of its top level alone."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in _statements(tree, into_functions=not top_level):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _statements(node: ast.AST, *, into_functions: bool) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        if into_functions or not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _statements(child, into_functions=into_functions)


def within(module: str, *packages: str) -> bool:
    """Return whether a module is one of the packages or lies in one."""
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def files_in(*folders: str) -> list[Path]:
    """Return the package's files in these folders."""
    return [path for path in FILES if path.relative_to(ROOT / "gnb").parts[0] in folders]


@pytest.mark.parametrize("path", files_in("core"), ids=name_of)
def test_core_knows_neither_components_nor_the_command_line_nor_heavy_libraries(path: Path) -> None:
    forbidden = ["gnb.cli", "gnb.plugins", "gnb.models", "gnb.training", *(f"gnb.{kind}" for kind in COMPONENTS)]
    assert [module for module in imports(path) if within(module, *forbidden, *HEAVY)] == []


@pytest.mark.parametrize("path", files_in(*COMPONENTS), ids=name_of)
def test_components_know_core_and_their_own_kind_alone(path: Path) -> None:
    own = path.relative_to(ROOT / "gnb").parts[0]
    others = [f"gnb.{kind}" for kind in COMPONENTS if kind != own]
    found = [module for module in imports(path) if within(module, "gnb.cli", "gnb.plugins", *others)]
    assert found == []


@pytest.mark.parametrize("path", files_in("cli"), ids=name_of)
def test_commands_import_click_alone_at_module_level(path: Path) -> None:
    allowed = {"click", "gnb", *sys.stdlib_module_names}
    found = list(imports(path, top_level=True))
    assert [module for module in found if module.partition(".")[0] not in allowed] == []
    assert [module for module in found if module.startswith("gnb.") and not within(module, *LIGHT)] == []


LIGHT = ("gnb.cli", "gnb.core.errors")
"""What a command may import of gnb at module level: all of it imports nothing but the standard library and click."""


def imported_with(path: Path) -> set[str]:
    """Return the modules that importing a file imports: its own at module level, and those of our files among them."""
    found: set[str] = set()
    waiting = [path]
    while waiting:
        new = set(imports(waiting.pop(), top_level=True)) - found
        found |= new
        waiting += [file for module in new for file in _files_of(module)]
    return found


def _files_of(module: str) -> list[Path]:
    base = ROOT / module.replace(".", "/")
    return [file for file in (base.with_suffix(".py"), base / "__init__.py") if file in FILES]


@pytest.mark.parametrize("component", our_components(), ids=lambda item: item.reference)
def test_importing_a_component_imports_no_heavy_library(component: Component) -> None:
    [path] = _files_of(component.reference.partition(":")[0])
    assert {module for module in imported_with(path) if within(module, *HEAVY)} == set()


def test_every_library_that_is_imported_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    declared = [*project["dependencies"], *(each for name in extras if name != "dev" for each in extras[name])]
    names = {re.split(r"[^\w-]", requirement)[0].replace("-", "_") for requirement in declared}
    known = {*names, *sys.stdlib_module_names, "gnb", "pydantic_core", ""}
    imported = {module.partition(".")[0] for path in FILES for module in imports(path)}
    assert imported - known == set()


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_files_stay_short(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= 300


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_functions_stay_short(path: Path) -> None:
    functions = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.FunctionDef)]
    statements = {node.name: sum(isinstance(child, ast.stmt) for child in ast.walk(node)) - 1 for node in functions}
    assert {name: count for name, count in statements.items() if count > 40} == {}
