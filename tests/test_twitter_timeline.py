"""Collecting from a replica of X with a real browser: what is brought, how it ends, and what it says then."""

import json
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome
from twitter_site import Post, Site, make_posts, organic, serving

from gnb.core.progress import untracked
from gnb.sources.twitter.collecting import Outcome, collect
from gnb.sources.twitter.options import CollectOptions
from gnb.sources.twitter.query import Search

NAMES = {"tweet": "post", "text": "postText"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tweets.jsonl"


@pytest.fixture
def site() -> Iterator[Site]:
    with serving(posts=make_posts(60), open=True) as served:
        yield served


def run(browser: Chrome, site: Site, path: Path, *words: str, **options: Any) -> list[Outcome]:
    """Collect without pauses."""
    given = {"path": path, "url": site.url, "delay": 0, "settle": 0.5, "patience": 3, "timeout": 8, **options}
    searches = [Search(each) for each in words or ("زن",)]
    return list(collect(browser, searches, CollectOptions(**given), untracked))


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def as_kept(post: Post) -> dict[str, Any]:
    """Return what must be kept of a tweet, but for the hashes."""
    return {
        "id": post.id,
        "time": post.time,
        "text": post.text,
        "lang": post.lang if post.parts else None,
        "replies": post.replies,
        "reposts": post.reposts,
        "likes": post.likes,
        "hashtags": post.named("tag"),
        "query": "زن",
        "handle": post.handle,
        "mentioned_handles": post.named("mention"),
    }


def check_all(path: Path, posts: list[Post]) -> None:
    """Check that the file holds exactly these tweets, in their order."""
    found = records(path)
    assert [each["id"] for each in found] == [post.id for post in posts]
    for record, post in zip(found, posts, strict=True):
        expected = as_kept(post)
        assert {key: record[key] for key in expected} == expected
        assert "truncated" not in record


def check_first(path: Path, posts: list[Post], *, whole: bool = True) -> None:
    """Check that the file holds the first of these tweets and no others, or all of them."""
    found = [record["id"] for record in records(path)]
    expected = [post.id for post in organic(posts)]
    assert found == expected[: None if whole else len(found)]


def closed_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def fault_of(outcome: Outcome, path: Path) -> str:
    """Return what the fault says, having checked its picture."""
    assert outcome.fault
    assert outcome.screenshot
    assert outcome.screenshot.parent == path.parent
    assert outcome.screenshot.read_bytes().startswith(b"\x89PNG")
    assert stat.S_IMODE(outcome.screenshot.stat().st_mode) == 0o600
    return str(outcome.fault)


def test_ten_runs_in_a_row_each_bring_exactly_the_organic_tweets(browser: Chrome, site: Site, tmp_path: Path) -> None:
    for number in range(10):
        site.page_size, site.slow = (20, 7)[number % 2], (0.0, 0.05, 0.1)[number % 3]
        path = tmp_path / f"{number}.jsonl"
        [outcome] = run(browser, site, path, raw_handles=True)
        assert (outcome.end, outcome.kept, outcome.new) == ("end", 60, 60)
        check_all(path, organic(site.posts))


def test_a_thousand_tweets_come_whole_and_in_order(browser: Chrome, site: Site, path: Path) -> None:
    site.posts = make_posts(1000, seed=1)
    [outcome] = run(browser, site, path, raw_handles=True)
    assert outcome.kept == 1000
    check_all(path, organic(site.posts))
    assert len(browser.find_elements("css selector", "article")) < 40, "the page holds only what is near the view"


def test_slow_pages_are_waited_for_while_they_show_that_they_load(browser: Chrome, site: Site, path: Path) -> None:
    site.slow, site.start_after = 1.0, 800
    [outcome] = run(browser, site, path, raw_handles=True)
    assert outcome.end == "end"
    check_all(path, organic(site.posts))


def test_a_text_whose_rest_stands_on_a_page_of_its_own_is_read_there(browser: Chrome, site: Site, path: Path) -> None:
    for post in site.posts:
        post.more = "link" if post.more else ""
    site.posts = site.posts[:20]
    run(browser, site, path, raw_handles=True)
    check_all(path, organic(site.posts))
    assert len(browser.window_handles) == 1


def test_a_text_that_does_not_expand_is_kept_and_marked(browser: Chrome, site: Site, path: Path) -> None:
    site.posts, site.expand_after = site.posts[:6], 3_600_000
    run(browser, site, path, timeout=1)
    kept = {record["id"]: record for record in records(path)}
    cut = next(post for post in site.posts if post.more)
    assert len(kept) == 5
    assert kept[cut.id]["truncated"] is True
    assert cut.text.startswith(kept[cut.id]["text"])


def test_names_are_kept_as_hashes_alone(browser: Chrome, site: Site, path: Path) -> None:
    site.queries["from:user_3"] = site.posts
    run(browser, site, path, "from:user_3", limit=30)
    found = records(path)
    authors = {post.id: post.handle for post in site.posts}
    hashes = {authors[each["id"]]: each["author"] for each in found}
    assert len(set(hashes.values())) == len(hashes) == 17
    assert all(len(each) == 32 for each in hashes.values())
    assert {each["query"] for each in found} == {f"from:{hashes['user_3']}"}
    mentions = [name for each in found for name in each["mentions"]]
    assert set(mentions) == {hashes["user_3"]}
    assert all("user_" not in json.dumps({**each, "text": ""}) for each in found)


def test_a_search_stops_at_the_limit_and_resumes_to_a_higher_one(browser: Chrome, site: Site, path: Path) -> None:
    [first] = run(browser, site, path, limit=25)
    assert (first.kept, first.new, first.end) == (25, 25, "limit")
    assert len(records(path)) == 25
    [second] = run(browser, site, path, limit=40)
    assert (second.kept, second.new, second.end) == (40, 15, "limit")
    [third] = run(browser, site, path, raw_handles=True)
    assert (third.kept, third.new, third.end) == (60, 20, "end")
    assert [each["id"] for each in records(path)] == [post.id for post in organic(site.posts)]
    asked = len(site.requests)
    [fourth] = run(browser, site, path, limit=60)
    assert (fourth.new, fourth.end, len(site.requests)) == (0, "limit", asked)


def test_a_tweet_that_two_searches_find_is_kept_once(browser: Chrome, site: Site, path: Path) -> None:
    site.queries = {"زن": site.posts[:20], "مرد": site.posts[10:40]}
    one, other = run(browser, site, path, "زن", "مرد")
    assert one.new == len(organic(site.posts[:20]))
    assert other.new == len(organic(site.posts[20:40]))
    assert len({each["id"] for each in records(path)}) == len(records(path)) == one.new + other.new


def test_it_stops_when_the_time_is_up_and_begins_no_further_search(browser: Chrome, site: Site, path: Path) -> None:
    site.posts = make_posts(3000)
    start = time.monotonic()
    one, other = run(browser, site, path, "زن", "مرد", minutes=0.03, delay=0.2)
    assert (one.end, other.end, other.new) == ("time", "time", 0)
    assert 0 < one.new < 3000
    assert time.monotonic() - start < 60
    assert not any("%D9%85%D8%B1%D8%AF" in request for request in site.requests)


def test_pauses_between_scrolls_follow_the_delay(browser: Chrome, site: Site, path: Path) -> None:
    site.posts = site.posts[:6]
    start = time.monotonic()
    run(browser, site, path, delay=0.6, patience=2, settle=0)
    assert time.monotonic() - start >= 3 * 0.3


@pytest.mark.parametrize("wall", ["sheet", "redirect"])
def test_a_log_in_wall_after_some_tweets_is_named_and_they_are_kept(
    browser: Chrome, site: Site, path: Path, wall: str
) -> None:
    site.wall, site.after = wall, 20
    outcomes = run(browser, site, path, "زن", "مرد")
    assert len(outcomes) == 1, "no further search meets the same wall"
    assert "X asks for a log-in here; use --login, or --cookies FILE" in fault_of(outcomes[0], path)
    assert outcomes[0].screenshot == path.with_name("tweets-1-login-wall.png")
    check_first(path, site.posts[:20], whole=wall == "sheet")


def test_without_a_session_the_wall_stands_before_the_first_tweet(browser: Chrome, site: Site, path: Path) -> None:
    site.open = False
    [outcome] = run(browser, site, path)
    assert "X asks for a log-in here" in fault_of(outcome, path)
    assert records(path) == []


@pytest.mark.parametrize("limit", ["loud", "silent"])
@pytest.mark.parametrize("after", [0, 20])
def test_a_rate_limit_is_named_whether_the_page_says_so_or_not(
    browser: Chrome, site: Site, path: Path, limit: str, after: int
) -> None:
    site.limit, site.after = limit, after
    outcomes = run(browser, site, path, "زن", "مرد")
    assert len(outcomes) == 1
    assert "X answers no more requests for now; wait a quarter of an hour" in fault_of(outcomes[0], path)
    check_first(path, site.posts[:after])


@pytest.mark.parametrize("part", ["tweet", "text", "time", "article"])
@pytest.mark.parametrize("after", [0, 20])
def test_a_page_built_in_another_way_is_named(browser: Chrome, site: Site, path: Path, part: str, after: int) -> None:
    site.names = {part: NAMES.get(part, "section")}
    site.after = after
    [outcome] = run(browser, site, path, timeout=2, patience=5)
    assert "The page is built in another way than gnb knows; look for a newer gnb" in fault_of(outcome, path)
    check_first(path, site.posts if part == "text" else site.posts[:after], whole=part != "text")


def test_a_page_that_never_finishes_loading_is_named(browser: Chrome, site: Site, path: Path) -> None:
    site.stall, site.after = True, 20
    [outcome] = run(browser, site, path, timeout=1)
    assert "The page did not finish loading" in fault_of(outcome, path)
    check_first(path, site.posts[:20])


def test_the_author_is_known_from_the_tweet_s_own_link_too(browser: Chrome, site: Site, path: Path) -> None:
    site.names = {"author": "Name"}
    run(browser, site, path, raw_handles=True)
    check_all(path, organic(site.posts))


def test_empty_and_protected_results_are_told_apart_and_end_one_search_alone(
    browser: Chrome, site: Site, path: Path
) -> None:
    site.queries = {"هیچ": [], "from:secret": [], "from:nobody": []}
    site.protected = {"secret"}
    outcomes = run(browser, site, path, "هیچ", "from:secret", "from:nobody", "زن", raw_handles=True)
    assert [each.end for each in outcomes] == ["empty-result", "protected", "empty-result", "end"]
    assert fault_of(outcomes[0], path) == "X finds nothing for this"
    assert fault_of(outcomes[1], path) == "The account is protected: only its followers see its tweets"
    assert len({each.screenshot for each in outcomes[:3]}) == 3
    assert len(records(path)) == 60


def test_what_tweets_say_is_taken_for_no_fault_and_never_runs(browser: Chrome, site: Site, path: Path) -> None:
    hostile = '<img src=x onerror="document.title=1"><script>document.title=2</script>\u2028"}\u202e\x1b[31m'
    texts = ["Rate limit exceeded", "These posts are protected", "No results for “x”", hostile]
    site.posts = [Post(str(900 + number), [text]) for number, text in enumerate(texts)]
    [outcome] = run(browser, site, path)
    assert (outcome.end, browser.title) == ("end", "Search / Y")
    lines = path.read_text("utf-8").split("\n")[:-1]
    assert [json.loads(line)["text"] for line in lines] == texts


def test_an_address_that_nobody_serves_is_one_line(browser: Chrome, site: Site, path: Path) -> None:
    [outcome] = run(browser, site, path, url=f"http://127.0.0.1:{closed_port()}")
    assert outcome.fault
    assert str(outcome.fault).startswith("The browser cannot go on (unknown error: net::ERR_")
