"""gnb finds and neutralises gender bias in Persian text, and measures which way of doing it works best."""


def __getattr__(name: str) -> str:
    # Reading the metadata costs a third of the start-up time, so that it waits until somebody asks.
    if name != "__version__":
        raise AttributeError(f"module 'gnb' has no attribute {name!r}")
    from importlib import metadata

    return metadata.version("gnb")
