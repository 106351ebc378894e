"""gnb finds and neutralises gender bias in Persian text, and measures which way of doing it works best."""

from importlib import metadata

__version__ = metadata.version("gnb")
