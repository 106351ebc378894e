"""The log-in: user name, maybe a challenge, password, maybe a one-time code."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gnb.core.errors import GnbError
from gnb.core.registry import is_installed
from gnb.sources.twitter.selectors import CHALLENGE, LOGIN_PATH, PASSWORD, REFUSAL, SESSION_COOKIE, USERNAME

if TYPE_CHECKING:
    from selenium.webdriver.remote.webdriver import WebDriver
    from selenium.webdriver.remote.webelement import WebElement

KEYRING_SERVICE = "gnb-x"
"""The service under which a keyring keeps them: `keyring set gnb-x password`."""


@dataclass(frozen=True, slots=True)
class Credential:
    """One thing that the log-in asks for.

    Attributes:
        key: its name in the keyring and, upper-cased after GNB_X_, in the environment.
        prompt: how a person is asked for it.
        secret: whether it must not be shown while it is typed.
    """

    key: str
    prompt: str
    secret: bool = False

    @property
    def variable(self) -> str:
        """The environment variable that may hold it."""
        return f"GNB_X_{self.key.upper()}"


NAME = Credential("username", "User name, mail address or phone number at X")
IDENTITY = Credential("challenge", "X asks for more: the mail address, phone number or user name of the account")
SECRET = Credential("password", "Password at X", secret=True)
CODE = Credential("code", "One-time code from your app, mail or phone", secret=True)

_FIELDS = {NAME: USERNAME, IDENTITY: CHALLENGE, SECRET: PASSWORD, CODE: CHALLENGE}
"""The same field asks for the identity and, after the password, for a code."""

_GONE = "does not belong to the document"
"""What Chrome says of an element that has just gone, before it counts as stale."""

Ask = Callable[[Credential], str]
"""Asks a person; raises GnbError where nobody can be asked."""


class LoginError(GnbError):
    """The site did not let us in."""


def find_credential(wanted: Credential, ask: Ask) -> str:
    """Return a credential from the environment, else from the keyring, else from the person."""
    return os.environ.get(wanted.variable) or _from_keyring(wanted) or ask(wanted)


def log_in(browser: WebDriver, url: str, ask: Ask, wait: float) -> None:
    """Go through the log-in until the browser has a session.

    Args:
        browser: the browser.
        url: address of the site.
        ask: asks the person for what neither environment nor keyring holds.
        wait: seconds for each page; longer where a person can solve puzzles in the window.

    Raises:
        LoginError: if something is not accepted, or asked for that we do not know.
        GnbError: as `ask`.
    """
    browser.get(url + LOGIN_PATH)
    done: list[Credential] = []
    while wanted := _next_step(browser, done, wait):
        _type(browser, _FIELDS[wanted], find_credential(wanted, ask))
        done.append(wanted)


def _next_step(browser: WebDriver, done: list[Credential], wait: float) -> Credential | None:
    """Wait for a step that was not taken yet. None as soon as there is a session and the page has been left."""
    end = time.monotonic() + wait
    while time.monotonic() < end:
        if browser.get_cookie(SESSION_COOKIE) and not urlsplit(browser.current_url).path.startswith(LOGIN_PATH):
            return None  # not before: the page that leaves would take us along from wherever we go
        if done and _open_field(browser, _FIELDS[done[-1]]) and (refusal := _refusal(browser)):
            raise LoginError(f"X did not accept the {done[-1].key}. It says: {refusal}")
        for wanted in [CODE] if SECRET in done else [NAME, IDENTITY, SECRET]:
            if wanted not in done and _open_field(browser, _FIELDS[wanted]):
                return wanted
        time.sleep(0.1)
    if browser.get_cookie(SESSION_COOKIE):
        return None
    last = f"the {done[-1].key}" if done else "opening the page"
    raise LoginError(
        f"The log-in did not go on after {last}. X may ask for something that only a person can do: try --no-headless,"
        " or log in with your browser and import its cookies with --cookies FILE."
    )


def _open_field(browser: WebDriver, selector: str) -> WebElement | None:
    """Return the field if a person could type into it; pages hold hidden ones for password managers."""
    for field in browser.find_elements("css selector", selector):
        with passing_over_the_gone():
            if field.is_displayed() and field.is_enabled():
                return field
    return None


def _refusal(browser: WebDriver) -> str:
    """Return what the page says against what was typed, on one line."""
    for node in browser.find_elements("css selector", REFUSAL):
        with passing_over_the_gone():
            if node.is_displayed() and (text := " ".join(node.text.split())):
                return "".join(character for character in text if character.isprintable())[:200]
    return ""


@contextmanager
def passing_over_the_gone() -> Iterator[None]:
    """Leave an element that the page has taken away meanwhile."""
    from selenium.common.exceptions import StaleElementReferenceException, WebDriverException

    try:
        yield
    except StaleElementReferenceException:
        pass
    except WebDriverException as error:
        if _GONE not in str(error):
            raise


def _type(browser: WebDriver, selector: str, value: str) -> None:
    """Type into the field that is open now: it may have been drawn anew while the person was asked."""
    from selenium.webdriver.common.keys import Keys

    if field := _open_field(browser, selector):
        field.clear()
        field.send_keys(value, Keys.ENTER)


def _from_keyring(wanted: Credential) -> str | None:
    if wanted == CODE or not is_installed("keyring"):
        return None
    import keyring
    from keyring.errors import KeyringError

    try:
        return keyring.get_password(KEYRING_SERVICE, wanted.key)
    except KeyringError:  # no keyring on this machine, or it stays locked
        return None
