"""What is installed: gnb's settings and plugins, and the libraries that the run needs."""

import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version

from gnb.core.errors import GnbError
from gnb.core.registry import is_installed
from gnb.core.settings import FILE_NAME
from gnb.doctor.checks import Case, Check, Level
from gnb.models.vllm import check_vllm

_REQUIREMENT = re.compile(r"([\w.-]+)(?:\[[\w,]*\])?(?:>=([\d.]+))?.*?extra == ['\"](\w+)['\"]")
_EXTRAS = ("local", "quantised", "gpt")


def check_settings(case: Case) -> Iterator[Check]:
    """Is `gnb.toml` valid, and are the options of all that the run uses?"""
    if case.trouble:
        yield Check("settings", "fails", case.trouble, "The checks below take the built-in settings.")
    registry = case.plugins.registry
    mistakes = []
    for text in case.rewriters:
        try:
            case.options(case.settings.choose("rewriter", text, registry))
        except GnbError as error:
            mistakes.append(str(error))
    yield from (Check("settings", "fails", mistake) for mistake in dict.fromkeys(mistakes))
    labels = (*registry.components["rewriter"], *registry.components["metric"], "train")
    case.settings.check_overrides(case.choices.values(), *labels)
    if not (case.trouble or mistakes):
        yield Check("settings", "ok", f"profile {case.settings.profile}; {FILE_NAME} and options are valid")


def check_plugins(case: Case) -> Iterator[Check]:
    """Is any plugin broken?"""
    for plugin in case.plugins.broken:
        found = f"{plugin.name!r} of {plugin.provider} {plugin.reason}"
        yield Check("plugin", "warning", found, "gnb plugins --traceback shows more.")
    names = ", ".join(case.plugins.providers.values())
    yield Check("plugins", "ok" if case.plugins.providers else "fails", names or "none, not even gnb's own")


def check_extras(case: Case) -> Iterator[Check]:
    """Is what the run imports installed?"""
    registry = case.plugins.registry
    used = {choice.name for choice in case.choices.values()}
    for kind in ("rewriter", "metric"):
        for component in registry.components[kind].values():
            missing = component.missing()
            if missing and (component.name in used or kind == "metric"):
                level: Level = "fails" if component.name in used else "warning"
                found = f"{kind} {component.name!r} needs {', '.join(missing)}"
                yield Check("extras", level, found, f"Run: {component.install_command()}")
    quantised = [label for label, options in case.local.items() if options.quantisation != "none"]
    if quantised and not is_installed("bitsandbytes"):
        yield Check("extras", "fails", "quantisation needs bitsandbytes", "Run: pip install 'gnb[quantised]'")
    for options in case.local.values():
        if getattr(options, "engine", None) == "vllm":
            try:
                check_vllm(options)
            except GnbError as error:
                yield Check("extras", "fails", str(error))


def check_libraries(case: Case) -> Iterator[Check]:
    """Are the libraries of the extras new enough?"""
    found: dict[str, str] = {}
    for name, least in _requirements():
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
        if least and _numbers(found[name]) < _numbers(least):
            reason = f"{name} {found[name]} is older than {least}"
            yield Check("libraries", "fails", reason, f"Run: pip install -U '{name}>={least}'")
    shown = [f"{name} {found[name]}" for name in ("torch", "transformers", "peft", "bitsandbytes") if name in found]
    yield Check("libraries", "ok", ", ".join(shown) or "none of those that run local models")


def _requirements() -> Iterator[tuple[str, str]]:
    """Yield name and least version of what the extras for models ask for."""
    for line in requires("gnb") or ():
        match = _REQUIREMENT.match(line)
        if match and match[3] in _EXTRAS and match[1] != "gnb":
            yield match[1], match[2] or ""


def _numbers(text: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", text.partition("+")[0])[:3]]
