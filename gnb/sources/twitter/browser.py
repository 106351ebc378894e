"""The browser: found on this machine, started, and closed again. Nothing is ever downloaded."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gnb.core.errors import GnbError, MissingDependencyError
from gnb.core.registry import is_installed
from gnb.sources.twitter.options import BrowserOptions

if TYPE_CHECKING:
    from selenium.webdriver.remote.webdriver import WebDriver

_QUIET_CHROME = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-crash-reporter",
    "--disable-dev-shm-usage",
    "--disable-domain-reliability",
    "--disable-sync",
    "--lang=en-US",
    "--metrics-recording-only",
    "--mute-audio",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-pings",
    "--window-size=1280,2000",
)
_QUIET_FIREFOX: dict[str, bool | str] = {
    "app.normandy.enabled": False,
    "app.update.auto": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "datareporting.healthreport.uploadEnabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "intl.accept_languages": "en-US,en",
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "toolkit.telemetry.enabled": False,
}


@dataclass(frozen=True, slots=True)
class _Kind:
    """A family of browsers: the names of its programs and of its driver, and how Debian calls the packages."""

    programs: tuple[str, ...]
    driver: str
    install: str


_KINDS = {
    "chrome": _Kind(
        ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"),
        "chromedriver",
        "apt-get install chromium chromium-driver",
    ),
    "firefox": _Kind(
        ("firefox", "firefox-esr"),
        "geckodriver",
        "apt-get install firefox-esr, and geckodriver from Mozilla",
    ),
}


def find_browser(wanted: str) -> tuple[str, str, str]:
    """Return the kind of browser, its program and its driver.

    Args:
        wanted: "chrome", "firefox", or "auto" for the first that is there.

    Raises:
        GnbError: if the browser or its driver is missing; the message says how to install them.
    """
    kinds = list(_KINDS) if wanted == "auto" else [wanted]
    for kind in kinds:
        program = next(filter(None, map(shutil.which, _KINDS[kind].programs)), None)
        driver = shutil.which(_KINDS[kind].driver)
        if program and driver:
            return kind, program, driver
    lacking = " or ".join(f"{_KINDS[kind].programs[0]} with {_KINDS[kind].driver}" for kind in kinds)
    raise GnbError(f"No {lacking} is on the PATH. Install on Debian or Ubuntu: {_KINDS[kinds[0]].install}")


@contextmanager
def open_browser(options: BrowserOptions) -> Iterator[WebDriver]:
    """Start a browser with an empty profile, and close it with all its processes at the end.

    Raises:
        MissingDependencyError: if selenium is not installed.
        GnbError: if there is no browser, or it does not start.
    """
    kind, program, driver = find_browser(options.browser)
    if not is_installed("selenium"):
        raise MissingDependencyError("Collecting tweets needs selenium. Install: pip install 'gnb[twitter]'")
    _keep_selenium_quiet()
    failures: tuple[type[Exception], ...] = (*browser_errors(), OSError)
    try:
        browser = (_start_chrome if kind == "chrome" else _start_firefox)(program, driver, headless=options.headless)
    except failures as error:
        hint = "" if options.headless else " A window needs a display."
        raise GnbError(f"{program} does not start with {driver}: {first_line(error)}{hint}") from None
    try:
        browser.set_page_load_timeout(60)
        yield browser
    finally:
        with suppress(*failures):
            browser.quit()
        _end_rest(browser)


def browser_errors() -> tuple[type[Exception], ...]:
    """Return what selenium raises when the browser or its driver is gone, or refuses."""
    from selenium.common.exceptions import WebDriverException
    from urllib3.exceptions import HTTPError

    return WebDriverException, HTTPError


def first_line(error: Exception) -> str:
    """Return what an error of selenium says, without the stack of the driver and the address of selenium's pages."""
    from urllib3.exceptions import HTTPError

    if isinstance(error, HTTPError):
        return "its driver does not answer any more"
    message = str(getattr(error, "msg", None) or error).strip().partition("; For documentation")[0]
    return message.splitlines()[0][:200] if message else type(error).__name__


def _end_rest(browser: WebDriver) -> None:
    """End what is left of the browser if its driver has died, which nobody else would: both are one process group."""
    driver = getattr(browser, "service").process.pid  # noqa: B009 - the type of all drivers lacks it
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(driver, signal.SIGKILL)


def _keep_selenium_quiet() -> None:
    """Let selenium download and report nothing, log no key strokes, and reach its driver without a proxy."""
    os.environ.pop("SE_DEBUG", None)  # it would log what is typed, passwords included
    os.environ.setdefault("SE_OFFLINE", "true")
    os.environ.setdefault("SE_AVOID_STATS", "true")
    direct = [os.environ.get("no_proxy") or os.environ.get("NO_PROXY"), "localhost", "127.0.0.1"]
    os.environ["no_proxy"] = ",".join(filter(None, direct))


def _start_chrome(program: str, driver: str, *, headless: bool) -> WebDriver:
    from selenium.webdriver import Chrome, ChromeOptions, ChromeService

    options = ChromeOptions()
    options.binary_location = program
    options.page_load_strategy = "eager"
    for argument in _QUIET_CHROME:
        options.add_argument(argument)
    if headless:
        options.add_argument("--headless=new")
        options.add_argument("--blink-settings=imagesEnabled=false")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.add_argument("--no-sandbox")  # Chromium refuses to run as root with it
    return Chrome(options=options, service=ChromeService(driver, env=_environment(), popen_kw=_OWN_SESSION))


def _start_firefox(program: str, driver: str, *, headless: bool) -> WebDriver:
    from selenium.webdriver import Firefox, FirefoxOptions, FirefoxService

    options = FirefoxOptions()
    options.binary_location = program
    options.page_load_strategy = "eager"
    for name, value in _QUIET_FIREFOX.items():
        options.set_preference(name, value)
    for argument in ("--width=1280", "--height=2000"):
        options.add_argument(argument)
    if headless:
        options.add_argument("-headless")
        options.set_preference("permissions.default.image", 2)
    return Firefox(options=options, service=FirefoxService(driver, env=_environment(), popen_kw=_OWN_SESSION))


_OWN_SESSION = {"start_new_session": True}
"""Ctrl-C in the terminal reaches gnb alone, which then closes the browser in order."""


def _environment() -> dict[str, str]:
    """Return the environment of the browser: ours without the credentials."""
    return {name: value for name, value in os.environ.items() if not name.startswith("GNB_X_")}
