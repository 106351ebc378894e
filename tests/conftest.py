"""Fixtures that several test files share."""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from openai_server import Endpoint, serving
from scripted import Workplace
from tiny_model import build_rounded_model, build_tiny_adapter, build_tiny_detector, build_tiny_model

from gnb.core.errors import GnbError
from gnb.core.store import Store

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

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


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """An OpenAI-compatible endpoint on loopback."""
    with serving() as served:
        yield served


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random language model with a real tokenizer, in the transformers layout."""
    return build_tiny_model(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(scope="session")
def rounded_model(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model in bfloat16, as the embedded one is stored."""
    return build_rounded_model(tiny_model, tmp_path_factory.mktemp("rounded"))


@pytest.fixture(scope="session")
def tiny_adapter(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random adapter for the tiny model, as peft saves it, large enough to change every answer."""
    return build_tiny_adapter(tiny_model, tmp_path_factory.mktemp("tiny") / "adapter")


@pytest.fixture(scope="session")
def tiny_detector(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random detector for the tiny model."""
    return build_tiny_detector(tiny_model, tmp_path_factory.mktemp("tiny") / "detector")


@pytest.fixture(scope="session")
def installed_browser() -> str:
    """The name of Chromium's program; tests that need it are skipped where it or its driver is missing."""
    from gnb.sources.twitter.browser import find_browser

    try:
        return find_browser("chrome")[1]
    except GnbError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def _one_browser(installed_browser: str) -> "Iterator[Chrome]":
    from gnb.sources.twitter.browser import open_browser
    from gnb.sources.twitter.options import BrowserOptions

    with open_browser(BrowserOptions(browser="chrome")) as opened:
        yield opened  # type: ignore[misc]


@pytest.fixture
def browser(_one_browser: "Chrome", tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Chrome":
    """A real headless browser without cookies; what gnb remembers of X goes into the test's folder."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    _one_browser.execute_cdp_cmd("Network.clearBrowserCookies", {})
    return _one_browser
