"""The keys of paid endpoints: whether they are there, never what they are."""

import os
from collections.abc import Iterator
from dataclasses import replace

from gnb.core.errors import SettingsError
from gnb.core.settings import Choice
from gnb.doctor.checks import Case, Check
from gnb.rewriters.gpt.credentials import check_address, key_variable, read_key
from gnb.rewriters.gpt.options import GptOptions


def check_keys(case: Case) -> Iterator[Check]:
    """Is the key of `gpt` in the environment? Only a run that uses that rewriter needs it."""
    used = [choice for choice in case.choices.values() if choice.name == "gpt"]
    if used:
        for choice in used:
            yield _key(case, choice)
        return
    found = _key(case, case.settings.choose("rewriter", "gpt", case.plugins.registry))
    if found.level == "fails":
        found = replace(found, level="warning", found=f"{found.found}; only gpt needs it")
    yield found


def _key(case: Case, choice: Choice) -> Check:
    options = case.options(choice)
    assert isinstance(options, GptOptions)
    try:
        check_address(options)
        variable = key_variable(options)
        if variable and not os.environ.get(variable, "").strip():
            found = f"{choice.label}: no key in {variable} for {options.base_url}"
            return Check("key", "fails", found, f"Put it there: read -rs {variable} && export {variable}")
        read_key(options)
    except SettingsError as error:
        return Check("key", "fails", f"{choice.label}: {error}")
    return Check("key", "ok", f"{choice.label}: {f'there is a key in {variable}' if variable else 'needs no key'}")
