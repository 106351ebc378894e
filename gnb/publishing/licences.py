"""The licence that data is published under: an SPDX id, its name on the hub, and its text."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from gnb.core.errors import InputError, SettingsError, nearest

BUNDLED = "bundled"
"""The source whose licence and attribution go along with whatever is made of it."""
_BUNDLED_LICENCE = "CC-BY-4.0"
BUNDLED_ATTRIBUTION = (
    "Holds texts of the bundled corpus of gnb by the gnb founders, licensed under CC BY 4.0 "
    "(https://creativecommons.org/licenses/by/4.0/), changed as this card says. A large language model wrote them "
    "for gnb after an annotation guideline; no human has annotated them."
)
_HUB_NAMES = {
    "Apache-2.0": "apache-2.0",
    "CC-BY-4.0": "cc-by-4.0",
    "CC-BY-NC-4.0": "cc-by-nc-4.0",
    "CC-BY-NC-SA-4.0": "cc-by-nc-sa-4.0",
    "CC-BY-ND-4.0": "cc-by-nd-4.0",
    "CC-BY-SA-4.0": "cc-by-sa-4.0",
    "CC0-1.0": "cc0-1.0",
    "MIT": "mit",
    "ODC-By-1.0": "odc-by",
    "ODbL-1.0": "odbl",
    "PDDL-1.0": "pddl",
}
"""Licences that are common for data, by SPDX id, and what the hub calls them in the head of a card."""


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence: its SPDX id, the hub's name for it ("other" if it has none), and its text."""

    spdx: str
    hub_name: str
    text: str


def find_licence(spdx: str | None, file: Path | None, sources: Sequence[str]) -> Licence:
    """Return the licence to publish under.

    Args:
        spdx: the SPDX id that the user gave; only texts of the bundled corpus alone need none.
        file: a file with the licence's text; CC-BY-4.0 needs none.
        sources: the names of the sources of the data.

    Raises:
        SettingsError: if there is no licence, no such licence, no text of it, or another one than the data's.
        InputError: if the file cannot be read.
    """
    if set(sources) == {BUNDLED}:
        if spdx not in (None, _BUNDLED_LICENCE):
            raise SettingsError(f"--license {spdx}: the bundled corpus is under {_BUNDLED_LICENCE} and stays so.")
        spdx = _BUNDLED_LICENCE
    if spdx is None:
        raise SettingsError("Data without a licence may be used by nobody: name one, such as --license CC-BY-4.0.")
    if spdx not in _HUB_NAMES and not re.fullmatch(r"LicenseRef-[A-Za-z0-9.-]+", spdx):
        hint = f"{nearest(spdx, sorted(_HUB_NAMES))} Known: {', '.join(_HUB_NAMES)}, or LicenseRef-NAME."
        raise SettingsError(f"--license {spdx}: is no SPDX id that is known here.{hint}")
    return Licence(spdx, _HUB_NAMES.get(spdx, "other"), _text(spdx, file))


def _text(spdx: str, file: Path | None) -> str:
    if file is not None:
        try:
            return file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"--license-file {file}: cannot be read as UTF-8 text ({error}).") from None
    if spdx == _BUNDLED_LICENCE:
        return resources.files("gnb").joinpath("data", "corpus", "LICENSE").read_text("utf-8")
    raise SettingsError(f"--license {spdx}: its text has to go along; name a file with it by --license-file FILE.")
