"""Fixtures that several test files share."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from scripted import Workplace
from tiny_model import build_tiny_adapter, build_tiny_detector, build_tiny_model

from gnb.core.store import Store

# A shell that starts the tests in the background may make them, and all that they start, deaf to Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    """A folder in which `gnb` runs with the scripted components."""
    return Workplace(tmp_path)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty run store."""
    with Store(tmp_path / "store.sqlite") as opened:
        yield opened


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random language model with a real tokenizer, in the transformers layout."""
    return build_tiny_model(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(scope="session")
def tiny_adapter(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random adapter for the tiny model, as peft saves it, large enough to change every answer."""
    return build_tiny_adapter(tiny_model, tmp_path_factory.mktemp("tiny") / "adapter")


@pytest.fixture(scope="session")
def tiny_detector(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random detector for the tiny model."""
    return build_tiny_detector(tiny_model, tmp_path_factory.mktemp("tiny") / "detector")
