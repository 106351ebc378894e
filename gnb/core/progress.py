"""How long work is followed: the library says how far it is, the caller shows it or not."""

from collections.abc import Callable

Follow = Callable[[int, int], None]
"""Is told how many texts are done and how many there are; 0 if nobody can know."""

Track = Callable[[str, int, int], None]
"""As `Follow`, told first what is being done, such as "lora" or "bleu of lora"."""


def untracked(what: str, done: int, total: int) -> None:
    """Follow nothing."""
