"""`gnb collect twitter` as a user meets it: real processes, a real browser, a replica of X."""

import json
import os
import pty
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from scripted import Workplace
from test_startup import HEAVY, run
from twitter_site import TOKEN, Site, make_posts, organic, serving

pytestmark = pytest.mark.usefixtures("installed_browser")


@pytest.fixture
def site(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A site that the command finds by itself; what gnb remembers of it goes into the test's folder."""
    monkeypatch.setenv("XDG_STATE_HOME", str(workplace.folder / "state"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    with serving(posts=make_posts(30)) as served:
        monkeypatch.setenv("GNB_X_URL", served.url)
        yield served


@pytest.fixture
def cookies(workplace: Workplace) -> str:
    """A file with the session of the site."""
    (workplace.folder / "cookies.json").write_text(json.dumps({"auth_token": TOKEN}))
    return "cookies.json"


def collected(workplace: Workplace) -> list[dict[str, object]]:
    return [json.loads(line) for line in (workplace.folder / "t.jsonl").read_text("utf-8").splitlines()]


def until(reached: Callable[[], object]) -> None:
    while not reached():
        time.sleep(0.02)


def test_several_searches_in_one_session_and_then_a_dataset(workplace: Workplace, site: Site, cookies: str) -> None:
    site.queries = {"فقط زن lang:fa": site.posts[:8], "#زن lang:fa": site.posts[8:16]}
    site.queries |= {"from:user_9 lang:fa": [], "فمینیسم lang:fa": site.posts}
    (workplace.folder / "queries.txt").write_text("فمینیسم\n", encoding="utf-8")
    words = ["--query", "فقط زن", "--hashtag", "زن", "--user", "user_9", "--query-file", "queries.txt"]
    rest = ["--lang", "fa", "--latest", "--limit", "12", "--delay", "0.1", "--to", "t.jsonl"]
    out, err = workplace.run("collect", "twitter", *words, *rest, "--cookies", cookies)
    hashed = re.findall(r"from:(\w{32})", out)[0]
    assert out.splitlines() == [
        "7\t7 new\tnothing more\tفقط زن lang:fa",
        "12\t12 new\tlimit reached\tفمینیسم lang:fa",
        f"0\t0 new\tempty-result\tfrom:{hashed} lang:fa",
        "0\t0 new\tnothing more\t#زن lang:fa",  # the search before has brought them
    ]
    assert "X finds nothing for this. Screenshot: t-" in err
    assert "The session is kept in " in err
    assert all("f=live" in request for request in site.requests if request.startswith("/search"))
    again, _ = workplace.run("collect", "twitter", "--query", "فمینیسم", *rest, "--json")
    assert [(row["kept"], row["new"]) for row in json.loads(again)] == [(12, 0)]
    other, _ = workplace.run("collect", "twitter", "--query", "فمینیسم", *rest, "--since", "2024-01-01", "--json")
    [row] = json.loads(other)
    assert row["query"] == "فمینیسم since:2024-01-01 lang:fa"
    assert row["kept"] == row["new"] > 0
    workplace.run("prepare", "twitter:t.jsonl", "--to", "data")
    counts = json.loads((workplace.folder / "data" / "manifest.json").read_text("utf-8"))["counts"]
    assert sum(counts["splits"].values()) > 0


def test_the_preset_of_the_study_makes_its_five_searches(workplace: Workplace, site: Site, cookies: str) -> None:
    rest = ["--limit", "3", "--delay", "0", "--to", "t.jsonl", "--cookies", cookies, "--json"]
    site.queries = {
        query: make_posts(5, start=number * 10**6)
        for number, query in enumerate(["فمینیسم", "فقط پسر", "فقط دختر", "فقط مرد", "فقط زن"], start=1)
    }
    out, _ = workplace.run("collect", "twitter", "--preset", "study", *rest)
    assert [(row["query"], row["kept"], row["end"]) for row in json.loads(out)] == [
        (query, 3, "limit") for query in site.queries
    ]
    assert all("f=top" in request for request in site.requests if request.startswith("/search"))


def test_ctrl_c_keeps_what_is_there_and_closes_the_browser(workplace: Workplace, site: Site, cookies: str) -> None:
    arguments = ["collect", "twitter", "-q", "زن", "--to", "t.jsonl", "--cookies", cookies, "--delay"]
    process = workplace.start(*arguments, "30")
    path = workplace.folder / "t.jsonl"
    until(lambda: (path.exists() and path.stat().st_size) or process.poll() is not None)
    drivers = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert process.returncode == 130, err.decode()
    assert b"What was collected is in t.jsonl; the same command goes on from there." in err
    assert b"Traceback" not in err
    assert drivers
    assert not any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in drivers)
    kept = collected(workplace)
    assert 0 < len(kept) < 30
    workplace.run(*arguments, "0", "--limit", "30")
    assert [each["id"] for each in collected(workplace)] == [post.id for post in organic(site.posts)]


def test_a_browser_that_dies_is_one_line_and_leaves_nothing_running(
    workplace: Workplace, site: Site, cookies: str
) -> None:
    arguments = ["collect", "twitter", "-q", "زن", "--to", "t.jsonl", "--cookies", cookies, "--delay", "3"]
    process = workplace.start(*arguments)
    path = workplace.folder / "t.jsonl"
    until(lambda: (path.exists() and path.stat().st_size) or process.poll() is not None)
    [driver] = psutil.Process(process.pid).children()
    started = driver.children(recursive=True)
    driver.kill()
    _, err = process.communicate()
    assert process.returncode == 2
    kept = len(collected(workplace))
    reason = "The browser cannot go on (its driver does not answer any more)."
    assert err.decode().splitlines()[1:] == [
        f"Error: زن: {reason} New tweets in t.jsonl: {kept}; the same command goes on from there."
    ]
    browsers = [each for each in started if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]
    assert [each.name() for each in browsers if "crashpad" not in each.name()] == []


def test_without_a_session_it_says_how_to_get_one(workplace: Workplace, site: Site) -> None:
    out, err = workplace.run("collect", "twitter", "-q", "زن", "-q", "مرد", "--to", "t.jsonl", code=2)
    assert out == "0\t0 new\tlogin-wall\tزن\n"
    assert err.splitlines() == [
        "Error: زن: X asks for a log-in here; use --login, or --cookies FILE with the cookies of your browser."
        " Screenshot: t-1-login-wall.png. 1 search not begun."
        " New tweets in t.jsonl: 0; the same command goes on from there."
    ]


def test_a_picture_that_cannot_be_kept_hides_no_fault_and_a_query_does_nothing_to_the_terminal(
    workplace: Workplace, site: Site
) -> None:
    (workplace.folder / "t-1-login-wall.png").mkdir()
    out, err = workplace.run("collect", "twitter", "-q", "\x1b[31mزن", "--to", "t.jsonl", code=2)
    assert out == "0\t0 new\tlogin-wall\t\\x1b[31mزن\n"
    assert err.startswith("Error: \\x1b[31mزن: X asks for a log-in here")
    assert "Screenshot" not in err


def test_a_log_in_at_the_terminal_shows_no_secret(workplace: Workplace, site: Site) -> None:
    site.account = {"username": "zahra", "password": "p4ss-گذر", "code": "123456"}
    leader, follower = pty.openpty()
    arguments = ["-q", "زن", "--to", "t.jsonl", "--limit", "3", "--login"]
    process = workplace.start("collect", "twitter", *arguments, terminal=follower)
    os.close(follower)
    shown = b""
    for prompt, answer in (("User name", "zahra"), ("Password", "p4ss-گذر"), ("One-time code", "123456")):
        while prompt.encode() not in shown:
            shown += os.read(leader, 4096)
        os.write(leader, f"{answer}\n".encode())
    try:
        while part := os.read(leader, 4096):
            shown += part
    except OSError:  # Linux says so at the end of a terminal
        pass
    os.close(leader)
    assert process.wait() == 0, shown.decode()
    assert len(collected(workplace)) == 3
    text = shown.decode()
    assert "p4ss" not in text
    assert "123456" not in text
    assert site.typed == list(site.account.items())


def test_where_nobody_can_be_asked_it_says_where_the_credential_may_stand(
    workplace: Workplace, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GNB_X_USERNAME", "zahra")
    monkeypatch.setenv("SE_DEBUG", "1")
    _, err = workplace.run("collect", "twitter", "-q", "زن", "--to", "t.jsonl", "--login", code=2)
    assert err == (
        "Error: The log-in asks for the password, and nobody is at a terminal to answer. Set GNB_X_PASSWORD,"
        " or keep it: keyring set gnb-x password\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--to", "t.jsonl"], "Name what to collect: --query, --query-file, --user, --hashtag, --list or --preset."),
        (["-q", "x"], "Missing option '--to'"),
        (["-q", "x", "--to", "."], "cannot be written (Is a directory)"),
        (["-q", "x", "--to", "none/t.jsonl"], "none/t.jsonl: there is no folder none."),
        (["-q", "x", "--to", "corpus.jsonl"], "corpus.jsonl:1: is no tweet that `gnb collect twitter` wrote"),
        (["-q", " ", "--to", "t.jsonl"], "--query is blank; write what to search for."),
        (["--preset", "stuy", "--to", "t.jsonl"], "There is no preset 'stuy'. Did you mean 'study'?"),
        (["--query-file", "none.txt", "--to", "t.jsonl"], "none.txt: cannot be read (No such file or directory)"),
        (["-q", "x", "--since", "1403-01-01x", "--to", "t.jsonl"], "Invalid value for '--since'"),
        (["-q", "x", "--limit", "0", "--to", "t.jsonl"], "Invalid value for '--limit'"),
        (["-q", "x", "--url", "x.com", "--to", "t.jsonl"], "gnb collect twitter, option 'url': String should match"),
        (["-q", "x", "--password", "p", "--to", "t.jsonl"], "No such option '--password'"),
        (["-q", "x", "--login", "--cookies", "c", "--to", "t.jsonl"], "--login or --cookies"),
    ],
)
def test_mistakes_are_told_before_a_browser_starts(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    (workplace.folder / "corpus.jsonl").write_text('{"id": "1", "text": "x"}\n')
    out, err = workplace.run("collect", "twitter", *arguments, code=2)
    assert message in err.replace("\n", " ")
    assert out == ""
    assert not (workplace.folder / "t.jsonl").exists()


def test_a_missing_browser_is_one_line_with_the_command_that_installs_it(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    arguments = ["collect", "twitter", "-q", "x", "--to", "t.jsonl"]
    _, err = workplace.run(*arguments, code=2)
    assert err == (
        "Error: No chromium with chromedriver or firefox with geckodriver is on the PATH."
        " Install on Debian or Ubuntu: apt-get install chromium chromium-driver\n"
    )
    _, err = workplace.run(*arguments, "--browser", "firefox", code=2)
    assert "No firefox with geckodriver is on the PATH." in err


def test_a_browser_that_does_not_start_is_one_line(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = workplace.folder / "bin"
    programs.mkdir()
    for name in ("chromium", "chromedriver"):
        (programs / name).write_text("#!/bin/sh\nexit 3\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/bin")
    _, err = workplace.run("collect", "twitter", "-q", "x", "--to", "t.jsonl", code=2)
    assert "chromium does not start with " in err
    assert len(err.splitlines()) == 1


def test_a_broken_cookie_file_is_one_line(workplace: Workplace, site: Site) -> None:
    (workplace.folder / "c.json").write_text("[")
    _, err = workplace.run("collect", "twitter", "-q", "x", "--to", "t.jsonl", "--cookies", "c.json", code=2)
    assert err.startswith("Error: c.json: is not JSON (")


def test_the_help_imports_no_heavy_library(tmp_path: Path) -> None:
    done = run(tmp_path, (*HEAVY, "keyring", "pydantic", "rich"), "collect", "twitter", "--help")
    assert done.returncode == 0, done.stderr
    assert "X's terms forbid automated access" in done.stdout


def test_progress_counts_towards_the_limit(workplace: Workplace, site: Site, cookies: str) -> None:
    rest = ["--limit", "5", "--delay", "0", "--to", "t.jsonl", "--cookies", cookies]
    shown = workplace.on_terminal(100, "collect", "twitter", "-q", "زن", *rest)
    assert "زن" in shown
    assert "5/5" in shown or "limit reached" in shown


def test_a_site_that_is_not_there_says_to_look_at_the_network(workplace: Workplace, installed_browser: str) -> None:
    _, err = workplace.run("collect", "twitter", "-q", "زن", "--to", "t.jsonl", "--url", "http://x.invalid", code=2)
    assert "net::ERR_" in err
    assert "Look at the network and the proxy." in err
