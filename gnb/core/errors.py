"""The exceptions a user may meet. Each message says what happened, where, and what to do next."""

from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches

DAMAGES = (OSError, MemoryError, RecursionError, ValueError, KeyError, TypeError, AttributeError, ArithmeticError)
"""What files of strangers may lead to, besides what is right."""
_LONGEST_SHOWN = 200
"""Characters of a value that a message repeats: a path as people have them, and no text that fills a screen."""


class GnbError(Exception):
    """Something the user can mend. The command line shows the message alone, without a traceback."""


class InputError(GnbError):
    """A file or a record is not what was expected. The message names file and line."""


class SettingsError(GnbError):
    """An option, a profile or a `gnb.toml` is wrong."""


class UnknownNameError(SettingsError):
    """A name that nothing goes by.

    Args:
        kind: what was looked for, such as "rewriter".
        name: the name as the user wrote it.
        known: the names that exist.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        super().__init__(
            f"There is no {kind} {shown(name)}.{nearest(name, names)} Existing: {', '.join(names) or 'none'}."
        )


class MissingDependencyError(GnbError):
    """A component needs a package that is not installed. The message carries the install command."""


class ModelError(GnbError):
    """A model or an adapter cannot be found, loaded or used. The message says where it was looked for."""


class StoreError(GnbError):
    """The run store cannot be used."""


def shown(value: object) -> str:
    """Return a value as a message repeats it: as Python writes it, cut where it is long."""
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def first_line(error: BaseException) -> str:
    """Return the first line of what an error of a library says, and the next after a colon; else the error's name."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    return " ".join(lines[:2]) if lines[0].endswith(":") else lines[0]


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what it came of, the nearest first."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def nearest(name: str, known: Sequence[str]) -> str:
    """Return " Did you mean 'x'?" for the nearest of the known names, or an empty string."""
    matches = get_close_matches(name, known, n=2, cutoff=0.5)
    return f" Did you mean {' or '.join(repr(match) for match in matches)}?" if matches else ""
