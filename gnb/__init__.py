"""gnb finds and neutralises gender bias in Persian text, and measures which way of doing it works best."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gnb.detecting import detect as detect

    __version__: str

__all__ = ["__version__", "detect"]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})  # what waits is offered as well


def __getattr__(name: str) -> Any:
    # What the command line may not need waits until somebody asks: reading the metadata alone costs a third of the
    # start-up time.
    if name == "__version__":
        from importlib import metadata

        return metadata.version("gnb")
    if name == "detect":
        from gnb.detecting import detect

        return detect
    raise AttributeError(f"module 'gnb' has no attribute {name!r}")
