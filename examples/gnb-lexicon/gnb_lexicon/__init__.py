"""The plugin: what gnb finds through the entry point in pyproject.toml."""

from gnb.core.registry import Register
from gnb.plugins import hookimpl


@hookimpl
def register_rewriters(register: Register) -> None:
    """Announce the rewriter. Its module is imported only when somebody uses it."""
    register("lexicon", "gnb_lexicon.rewriter:LexiconRewriter", "Swaps masculine generics for neutral words.")
