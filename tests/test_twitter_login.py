"""Logging in to a replica of X with a real browser, and the session that is kept or imported."""

import json
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import keyring
import keyring.backends.fail
import pytest
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver import Chrome
from twitter_keyring import FileKeyring
from twitter_site import TOKEN, Site, make_posts, serving

from gnb.core.errors import GnbError, InputError
from gnb.sources.twitter.browser import open_browser
from gnb.sources.twitter.login import (
    CODE,
    IDENTITY,
    NAME,
    SECRET,
    Credential,
    LoginError,
    log_in,
    passing_over_the_gone,
)
from gnb.sources.twitter.options import BrowserOptions, PaceOptions
from gnb.sources.twitter.session import open_session, read_session, save_session, session_path
from gnb.sources.twitter.timeline import Clock, Timeline

FULL = {"username": "zahra", "challenge": "zahra@example.org", "password": "گذرواژه!7", "code": "123456"}
EXPIRY = 4102444800  # 2100
EXPORTS = {
    "webdriver": [{"name": "auth_token", "value": TOKEN, "domain": "127.0.0.1", "path": "/", "httpOnly": True}],
    "extension": [
        {"name": "guest_id", "value": "x", "domain": "elsewhere.example", "storeId": "0"},
        {
            "domain": "127.0.0.1",
            "expirationDate": EXPIRY + 0.5,
            "hostOnly": True,
            "httpOnly": True,
            "name": "auth_token",
            "path": "/",
            "sameSite": "no_restriction",
            "secure": False,
            "session": False,
            "value": TOKEN,
        },
    ],
    "playwright": {"cookies": [{"name": "auth_token", "value": TOKEN, "domain": "127.0.0.1", "expires": -1}]},
    "object": {"auth_token": TOKEN, "ct0": "y"},
}
NETSCAPE = f"# Netscape HTTP Cookie File\n\n#HttpOnly_127.0.0.1\tFALSE\t/\tFALSE\t{EXPIRY}\tauth_token\t{TOKEN}\n"


@pytest.fixture
def site() -> Iterator[Site]:
    with serving(posts=make_posts(5), account=dict(FULL)) as served:
        yield served


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    for credential in (NAME, IDENTITY, SECRET, CODE):
        monkeypatch.delenv(credential.variable, raising=False)
    keyring.set_keyring(keyring.backends.fail.Keyring())


def nobody(wanted: Credential) -> str:
    raise GnbError(f"nobody to ask for the {wanted.key}")


def sees_tweets(browser: Chrome, site: Site) -> bool:
    """Return whether a search shows tweets, which needs a session."""
    pace = PaceOptions(delay=0, settle=0.2, patience=1)
    return Timeline(browser, f"{site.url}/search?q=x", Clock(pace)).fault() is None


def test_a_person_is_asked_for_each_step_as_the_site_asks(browser: Chrome, site: Site) -> None:
    asked = []

    def person(wanted: Credential) -> str:
        asked.append(wanted)
        return FULL[wanted.key]

    log_in(browser, site.url, person, wait=10)
    assert asked == [NAME, IDENTITY, SECRET, CODE]
    assert site.typed == list(FULL.items())
    assert sees_tweets(browser, site)


def test_a_field_that_goes_while_it_is_looked_at_is_passed_over() -> None:
    # What Chrome 156 said once in some hundred runs; the moment cannot be made to come.
    gone = 'unhandled inspector error: {"code":-32000,"message":"Node with given id does not belong to the document"}'
    for error in (WebDriverException(f"unknown error: {gone}"), StaleElementReferenceException("stale")):
        with passing_over_the_gone():
            raise error
    with pytest.raises(WebDriverException, match="disconnected"), passing_over_the_gone():
        raise WebDriverException("disconnected: not connected to DevTools")


@pytest.mark.parametrize("steps", [("username", "password"), ("username", "password", "code")])
def test_steps_that_the_site_leaves_out_are_not_waited_for(browser: Chrome, site: Site, steps: tuple[str, ...]) -> None:
    site.account = {step: FULL[step] for step in steps}
    log_in(browser, site.url, lambda wanted: FULL[wanted.key], wait=10)
    assert [step for step, _ in site.typed] == list(steps)


def test_the_environment_comes_first_then_the_keyring_then_the_person(
    browser: Chrome, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "keyring.json").write_text(json.dumps({"gnb-x": {"username": "no", "password": FULL["password"]}}))
    monkeypatch.setenv("TEST_KEYRING", str(tmp_path / "keyring.json"))
    monkeypatch.setenv("GNB_X_USERNAME", FULL["username"])
    keyring.set_keyring(FileKeyring())
    asked = []

    def person(wanted: Credential) -> str:
        asked.append(wanted)
        return FULL[wanted.key]

    log_in(browser, site.url, person, wait=10)
    assert asked == [IDENTITY, CODE]
    assert site.typed == list(FULL.items())


@pytest.mark.parametrize("wrong", list(FULL))
def test_what_the_site_refuses_is_told_with_its_words_and_not_with_ours(
    browser: Chrome, site: Site, wrong: str
) -> None:
    typed = {**FULL, wrong: "s3cret-and-wrong"}
    with pytest.raises(LoginError) as caught:
        log_in(browser, site.url, lambda wanted: typed[wanted.key], wait=10)
    assert str(caught.value) == f"X did not accept the {wrong}. It says: Wrong {wrong}! Try again."


def test_a_puzzle_for_people_ends_with_what_to_do(browser: Chrome, site: Site) -> None:
    site.captcha = True
    with pytest.raises(LoginError, match=r"did not go on after the username\. .*--no-headless.*--cookies FILE"):
        log_in(browser, site.url, lambda wanted: FULL[wanted.key], wait=1)


def test_the_session_is_kept_for_its_owner_alone_and_used_again(browser: Chrome, site: Site) -> None:
    open_session(browser, site.url, None, lambda wanted: FULL[wanted.key], headless=True)
    path = save_session(browser, site.url)
    assert path == session_path(site.url)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert FULL["password"] not in path.read_text("utf-8")
    browser.delete_all_cookies()
    assert not sees_tweets(browser, site)
    open_session(browser, site.url, None, None, headless=True)
    assert sees_tweets(browser, site)


def test_without_a_session_nothing_is_kept(browser: Chrome, site: Site) -> None:
    open_session(browser, site.url, None, None, headless=True)
    assert save_session(browser, site.url) is None
    assert not session_path(site.url).exists()


def test_a_browser_that_is_gone_after_the_log_in_is_told(installed_browser: str) -> None:
    with open_browser(BrowserOptions(browser="chrome")) as opened:
        opened.quit()
        with pytest.raises(GnbError, match="The browser cannot go on"):
            save_session(opened, "https://x.com")


@pytest.mark.parametrize("form", [*EXPORTS, "netscape"])
def test_a_session_that_a_browser_exported_is_imported(browser: Chrome, site: Site, tmp_path: Path, form: str) -> None:
    path = tmp_path / "cookies"
    path.write_text("\ufeff" + (NETSCAPE if form == "netscape" else json.dumps(EXPORTS[form])), encoding="utf-8")
    open_session(browser, site.url, path, nobody, headless=True)
    assert sees_tweets(browser, site)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; expected the cookies of X as JSON, or as Netscape's cookies.txt"),
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON (it is nested too deeply)"),
        ("[]", "holds no cookie auth_token of x.com; log in there first, then export"),
        ("[1, null]", "holds no cookie auth_token of x.com"),
        ('[{"name": "auth_token", "value": "v", "domain": ".notx.com"}]', "holds no cookie auth_token of x.com"),
        ('[{"name": "auth_token", "value": "v", "domain": ".x.com", "expiry": 1000}]', "has expired; log in anew"),
        ("auth_token=abc", ":1: is no line of a cookies.txt"),
        (NETSCAPE, "holds no cookie auth_token of x.com"),
    ],
)
def test_a_file_without_a_session_of_the_site_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "cookies"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_session(path, "https://x.com")
    assert message in str(caught.value)


def test_cookies_of_other_sites_stay_where_they_are(tmp_path: Path) -> None:
    path = tmp_path / "cookies.json"
    ours = [{"name": name, "value": "v", "domain": ".x.com", "secure": True} for name in ("auth_token", "ct0")]
    old = {"name": "lang", "value": "v", "domain": "x.com", "expirationDate": time.time() - 1}
    path.write_text(json.dumps([*ours, old, {"name": "bank", "value": "v", "domain": "bank.example"}]))
    found = read_session(path, "https://x.com")
    assert [cookie["name"] for cookie in found] == ["auth_token", "ct0"]
    assert found[0]["secure"] is True
