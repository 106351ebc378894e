"""The plugin: what gnb finds through the entry point in pyproject.toml."""

from gnb.core.registry import Register
from gnb.plugins import hookimpl


@hookimpl
def register_sources(register: Register) -> None:
    """Announce the source. Its module is imported only when somebody uses it."""
    register("pairs", "gnb_pairs.source:PairsSource", "Texts with their neutral form, as TEXT | NEUTRAL, a line each.")
