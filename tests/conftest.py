"""Fixtures that several test files share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from scripted import Workplace

from gnb.core.store import Store


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    """A folder in which `gnb` runs with the scripted components."""
    return Workplace(tmp_path)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty run store."""
    with Store(tmp_path / "store.sqlite") as opened:
        yield opened
