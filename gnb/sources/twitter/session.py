"""The session: the cookies of a log-in, kept in a private file, or imported from one that a browser exported."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from gnb.core.errors import GnbError, InputError
from gnb.core.lines import is_blank, read_lines
from gnb.sources.json_values import parse_value
from gnb.sources.twitter.browser import browser_errors, first_line
from gnb.sources.twitter.faults import BrowserGoneError
from gnb.sources.twitter.login import Ask, log_in
from gnb.sources.twitter.private import state_dir, write_private
from gnb.sources.twitter.selectors import SESSION_COOKIE

if TYPE_CHECKING:
    from selenium.webdriver.remote.webdriver import WebDriver

Cookie = dict[str, Any]
"""A cookie as WebDriver knows it: name, value, domain, path, secure, httpOnly, expiry (seconds since 1970)."""

_HTTP_ONLY = "#HttpOnly_"
_FORMS = "expected the cookies of X as JSON, or as Netscape's cookies.txt"


def session_path(url: str) -> Path:
    """Return the file that keeps the session with a site."""
    return state_dir() / f"session-{urlsplit(url).hostname}.json"


def read_session(path: Path, url: str) -> list[Cookie]:
    """Return the cookies of a file that belong to a site.

    Args:
        path: what gnb kept, what a browser's extension exported as JSON, or a Netscape cookies.txt.
        url: address of the site.

    Raises:
        InputError: if the file cannot be read, is none of these, or holds no session of the site that has not expired.
    """
    host = urlsplit(url).hostname or ""
    text = "\n".join(line.text for line in read_lines(path))
    if is_blank(text):
        raise InputError(f"{path}: is empty; {_FORMS}.")
    found = _from_json(text, path, host) if text.lstrip()[0] in "[{" else list(_from_netscape(text, path))
    cookies = [cookie for cookie in found if _belongs(cookie["domain"], host)]
    session = [cookie for cookie in cookies if cookie["name"] == SESSION_COOKIE]
    if not session:
        raise InputError(f"{path}: holds no cookie {SESSION_COOKIE} of {host}; log in there first, then export.")
    current = [cookie for cookie in cookies if cookie.get("expiry", time.time() + 1) > time.time()]
    if session[-1] not in current:
        raise InputError(f"{path}: the session of {host} has expired; log in anew.")
    return current


def open_session(browser: WebDriver, url: str, exported: Path | None, ask: Ask | None, *, headless: bool) -> None:
    """Bring the browser into a session: of a file, of a log-in, or the one that was kept; else it stays without.

    Args:
        browser: the browser.
        url: address of the site.
        exported: a file that a browser exported, as `read_session` reads it.
        ask: given if the user wants to log in; see `log_in`.
        headless: whether nobody can see the pages.

    Raises:
        InputError: if a file is none, or expired.
        LoginError: if the log-in fails.
        GnbError: if the site cannot be reached.
    """
    try:
        if exported or (ask is None and session_path(url).exists()):
            _restore(browser, read_session(exported or session_path(url), url), url)
        elif ask:
            log_in(browser, url, ask, wait=30 if headless else 300)
    except browser_errors() as error:
        parts = urlsplit(url)
        site = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()  # the rest may hold a password
        raise GnbError(f"{site} cannot be opened: {first_line(error)}") from None


def _restore(browser: WebDriver, cookies: list[Cookie], url: str) -> None:
    browser.get(f"{url}/robots.txt")  # a cookie can be set only for the site that is open
    for cookie in cookies:
        browser.add_cookie(cookie)


def save_session(browser: WebDriver, url: str) -> Path | None:
    """Keep the cookies of the browser for the site, if it is logged in, and return the file, readable by nobody else.

    Raises:
        GnbError: if the file cannot be written, or the browser is gone.
    """
    host = urlsplit(url).hostname or ""
    try:
        found = browser.get_cookies()
    except browser_errors() as error:
        raise BrowserGoneError(first_line(error)) from None
    cookies = [_known_keys(cookie) for cookie in found if _belongs(cookie.get("domain", ""), host)]
    if not any(cookie["name"] == SESSION_COOKIE for cookie in cookies):
        return None
    path = session_path(url)
    write_private(path, json.dumps(cookies, indent=1).encode())
    return path


def _from_json(text: str, path: Path, host: str) -> list[Cookie]:
    """Read WebDriver's list, that of a browser's extension, Playwright's state, or an object of names and values."""
    try:
        values = parse_value(text)
    except ValueError as error:
        raise InputError(f"{path}: is not JSON ({error}); {_FORMS}.") from None
    if isinstance(values, dict) and isinstance(values.get("cookies"), list):
        values = values["cookies"]
    elif isinstance(values, dict):
        values = [{"name": name, "value": value, "domain": host} for name, value in values.items()]
    usable = [item for item in values if isinstance(item, dict) and isinstance(item.get("value"), str)]
    return [_known_keys(item) for item in usable if isinstance(item.get("name"), str) and item["name"]]


def _known_keys(item: Mapping[str, Any]) -> Cookie:
    cookie: Cookie = {"path": "/", "secure": False, "httpOnly": False, "domain": ""}
    cookie |= {key: item[key] for key in ("name", "value", "domain", "path", "secure", "httpOnly") if item.get(key)}
    for key in ("expiry", "expirationDate", "expires"):
        if isinstance(item.get(key), int | float) and item[key] > 0:
            cookie["expiry"] = int(item[key])
    return cookie


def _from_netscape(text: str, path: Path) -> Iterator[Cookie]:
    """Yield the cookies of a cookies.txt: domain, subdomains, path, secure, expiry, name and value, with tabs."""
    for number, line in enumerate(text.split("\n"), start=1):
        http_only = line.startswith(_HTTP_ONLY)
        fields = line.removeprefix(_HTTP_ONLY).split("\t")
        if is_blank(line) or (line.startswith("#") and not http_only):
            continue
        if len(fields) != 7 or not fields[4].isdecimal():
            raise InputError(f"{path}:{number}: is no line of a cookies.txt; {_FORMS}.")
        domain, _, place, secure, expiry, name, value = fields
        item = {"domain": domain, "path": place, "secure": secure == "TRUE", "name": name, "value": value}
        yield _known_keys({**item, "httpOnly": http_only, "expiry": int(expiry)})


def _belongs(domain: str, host: str) -> bool:
    bare = domain.lstrip(".")
    return bool(bare) and (host == bare or host.endswith(f".{bare}"))
