"""The x-export source: posts of the X API, of an account archive, and of scrapers."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from gnb.core.errors import InputError
from gnb.core.reading import read_source
from gnb.core.records import Example
from gnb.plugins import conformance
from gnb.plugins.manager import installed_plugins

REGISTRY = installed_plugins().registry
LONG = "این یک متن بلند است. " * 20

PAGE: dict[str, Any] = {
    "data": [
        {
            "id": "11",
            "text": "مرد &amp; زن &lt;3 &amp;lt; #زن_ایرانی @Ali_1 😂",
            "author_id": "5",
            "created_at": "2024-01-02T03:04:05.000Z",
            "lang": "fa",
            "public_metrics": {"retweet_count": 1, "reply_count": 2, "like_count": 3, "quote_count": 4},
        },
        {"id": "12", "text": LONG[:200] + "…", "author_id": "6", "note_tweet": {"text": LONG}},
        {
            "id": "13",
            "text": "RT @someone: " + LONG[:100] + "…",
            "author_id": "5",
            "referenced_tweets": [{"type": "retweeted", "id": "9"}],
        },
        {"id": "14", "text": "پاسخ", "author_id": "5", "referenced_tweets": [{"type": "replied_to", "id": "9"}]},
    ],
    "includes": {
        "users": [{"id": "5", "name": "الف", "username": "Alef"}],
        "tweets": [{"id": "9", "text": LONG[:100] + "…", "note_tweet": {"text": LONG}}],
    },
    "meta": {"result_count": 4, "next_token": "x"},
}
OLDER = {
    "tweet": {
        "id_str": "21",
        "full_text": "قول مردانه &gt; قول",
        "created_at": "Wed Oct 10 20:19:24 +0000 2018",
        "favorite_count": "7",
        "retweet_count": "1",
        "retweeted": False,
        "lang": "fa",
        "entities": {"hashtags": [], "user_mentions": []},
    }
}
REPOST = {"tweet": {**OLDER["tweet"], "id_str": "22", "full_text": "RT @someone: متن"}}


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key of the hashes lies in the test's own folder."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def read(path: Path, **options: Any) -> tuple[list[Example], list[str], list[str]]:
    source = REGISTRY.create("source", "x-export", {"path": str(path), **options})
    examples, problems = read_source(source)
    return list(examples), [str(problem) for problem in problems.kept], problems.notes


def write(path: Path, *values: Any, indent: int | None = None) -> Path:
    text = "\n".join(json.dumps(value, ensure_ascii=False, indent=indent) for value in values)
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize("indent", [None, 2])
def test_pages_of_the_api_give_the_text_as_the_author_wrote_it(tmp_path: Path, indent: int | None) -> None:
    examples, problems, notes = read(write(tmp_path / "page.json", PAGE, indent=indent))
    assert problems == []
    assert [example.id for example in examples] == ["11", "12", "14"]
    first, long, _ = examples
    assert first.text == "مرد & زن <3 &lt; #زن_ایرانی @Ali_1 😂"
    assert (first.biased, first.references, first.category) == (None, (), None)
    assert long.text == LONG
    metadata = dict(first.metadata)
    assert len(metadata.pop("author")) == 32
    assert [len(name) for name in metadata.pop("mentions")] == [32]
    assert metadata == {
        "time": "2024-01-02T03:04:05.000Z",
        "lang": "fa",
        "replies": 2,
        "reposts": 1,
        "quotes": 4,
        "likes": 3,
        "hashtags": ["زن_ایرانی"],
        "raw": PAGE["data"][0]["text"],
        "rules": ["entities"],
    }
    assert notes == [f"{tmp_path / 'page.json'}: 4 posts, 1 reposts left aside, 0 that came again"]


def test_no_name_of_a_user_is_kept_unless_asked_for_and_hashes_stay_the_same(tmp_path: Path) -> None:
    path = write(tmp_path / "page.json", PAGE)
    examples, _, _ = read(path)
    assert "Alef" not in str([example.metadata for example in examples])
    assert examples[0].metadata["author"] == examples[2].metadata["author"]
    assert examples[1].metadata["author"] is None
    raw = read(path, raw_handles=True)[0][0].metadata
    assert (raw["handle"], raw["mentioned_handles"], raw["author"]) == (
        "Alef",
        ["Ali_1"],
        examples[0].metadata["author"],
    )


def test_reposts_come_whole_if_asked_for(tmp_path: Path) -> None:
    examples, _, _ = read(write(tmp_path / "page.json", PAGE), reposts=True)
    assert {example.id: example.text for example in examples}["13"] == LONG


@pytest.mark.parametrize("name", ["lines.jsonl", "array.json", "pages.jsonl"])
def test_lines_arrays_and_pages_after_another_are_read_each_post_once(tmp_path: Path, name: str) -> None:
    lines = [
        {"id": "1", "text": "الف", "author": {"username": "a"}},
        {"id": "2", "text": "ب"},
        {"id": "1", "text": "الف"},
    ]
    pages = [{"data": lines[:2], "meta": {}}, {"meta": {"result_count": 0}}, {"data": lines[2], "meta": {}}]
    values = {"lines.jsonl": lines, "array.json": [lines], "pages.jsonl": pages}[name]
    examples, problems, notes = read(write(tmp_path / name, *values))
    assert ([example.id for example in examples], problems) == (["1", "2"], [])
    assert notes[0].endswith("3 posts, 0 reposts left aside, 1 that came again")


def test_the_file_of_an_account_archive_is_read(tmp_path: Path) -> None:
    path = tmp_path / "tweets.js"
    path.write_text("window.YTD.tweets.part0 = " + json.dumps([OLDER, REPOST], indent=2), "utf-8")
    [example], problems, _ = read(path)
    assert problems == []
    assert (example.id, example.text, example.metadata["time"]) == (
        "21",
        "قول مردانه > قول",
        "2018-10-10T20:19:24+00:00",
    )
    assert (example.metadata["likes"], example.metadata["reposts"], example.metadata["author"]) == (7, 1, None)


@pytest.mark.parametrize("folder", ["", "twitter-2024/"])
def test_the_zip_of_an_account_archive_is_read_and_nothing_else_in_it(tmp_path: Path, folder: str) -> None:
    path = tmp_path / "archive.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, part in (("tweets", [OLDER]), ("tweets-part1", [REPOST]), ("deleted-tweets", [{"tweet": {}}])):
            text = f"window.YTD.{name.replace('-', '_')}.part0 = {json.dumps(part)}"
            archive.writestr(f"{folder}data/{name}.js", text)
        archive.writestr(f"{folder}data/direct-messages.js", 'window.YTD.direct_messages.part0 = [{"private": 1}]')
        archive.writestr(f"{folder}assets/js/app.js", "alert(1)")
    examples, problems, _ = read(path, reposts=True)
    assert ([example.id for example in examples], problems) == (["21", "22"], [])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_csv_of_a_scraper_is_read_as_it_is(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "posts.csv"
    rows = [
        "Name,Handle,Timestamp,Content,Comments,Retweets,Likes,Tweet Link,Tweet ID",
        'الف,@Alef,2024-01-02,"مرد &amp; زن\nخط دو",1,2,1.2K,https://x.com/Alef/status/12345,tweet_id:12345',
        "ب,@Be,2024-01-03,سلام,,0,5,https://x.com/Be/status/12346,1.2346E+04",
    ]
    path.write_text("\r\n".join(rows), encoding, newline="")
    examples, problems, _ = read(path)
    assert problems == []
    assert [(example.id, example.text) for example in examples] == [
        ("12345", "مرد &amp; زن\nخط دو"),
        ("posts.csv:4", "سلام"),
    ]
    metadata = examples[0].metadata
    assert (metadata["time"], metadata["replies"], metadata["reposts"], metadata["likes"]) == (
        "2024-01-02",
        1,
        2,
        "1.2K",
    )
    assert "raw" not in metadata


def test_a_csv_without_a_column_for_the_text_names_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "posts.csv"
    path.write_text("a,b\n1,2\n", "utf-8")
    with pytest.raises(InputError, match=r"Columns: 'a', 'b'\. Read it as a table: csv:.* with text=COLUMN"):
        read(path)


def test_what_is_no_post_is_reported_with_its_line_and_the_rest_is_read(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.jsonl",
        {"id": "1", "text": "الف"},
        [1],
        {"x": 1},
        {"id": "2", "text": " "},
        {"data": [{"id": "3"}]},
        {"id": "4", "text": "ب", "includes": 5},
        {"id_str": "6", "text": None},
        {"id": "7", "text": "پ", "author": {"username": 5}},
        {"id_str": "8", "text": "ت", "user": {"screen_name": 5}},
    )
    path.write_text(path.read_text("utf-8") + '\n{"id": "5", "te', "utf-8")
    examples, problems, _ = read(path)
    assert [example.id for example in examples] == ["1", "4", "7", "8"]
    text = "\n".join(problems)
    for found in (
        ":2: holds a list",
        ":3: has the keys x",
        ":4: a post without text",
        ":5: is not of the form",
        ":7: is not of the form",
        "cut off",
    ):
        assert found in text


def test_a_post_or_a_user_that_is_malformed_costs_no_other_of_the_page(tmp_path: Path) -> None:
    good = {"text": "متن", "author_id": "5"}
    page = {
        "data": [{"id": "1", **good}, {"id": "2"}, 3, {"id": "4", **good, "author_id": "6"}, {"id": "5", **good}],
        "includes": {"users": [{"id": "6"}, 7, {"id": "5", "username": "Alef"}], "tweets": [{"text": "بی‌شناسه"}]},
    }
    examples, problems, notes = read(write(tmp_path / "page.json", page), raw_handles=True)
    assert [(example.id, example.metadata["handle"]) for example in examples] == [
        ("1", "Alef"),
        ("4", None),
        ("5", "Alef"),
    ]
    assert [problem.partition(":1: ")[2][:22] for problem in problems] == ["is not of the form of "] * 2
    assert notes[0].endswith("3 posts, 0 reposts left aside, 0 that came again")


def test_what_is_included_or_inline_without_what_is_needed_hides_nothing(tmp_path: Path) -> None:
    repost = {"text": "RT @someone: متن", "referenced_tweets": [{"type": "retweeted", "id": "9"}]}
    page = {
        "data": [{"id": "1", "text": "متن", "author_id": "5", "author": {"username": None}}, {"id": "2", **repost}],
        "includes": {"users": [{"id": "5", "username": "Alef"}], "tweets": [{"id": "9", "note_tweet": 3}]},
    }
    examples, problems, _ = read(write(tmp_path / "page.json", page), raw_handles=True, reposts=True)
    assert [(example.text, example.metadata["handle"]) for example in examples] == [
        ("متن", "Alef"),
        ("RT @someone: متن", None),
    ]
    assert problems == []


@pytest.mark.parametrize("includes", [[1], {"users": 3, "tweets": {"id": "9"}}])
def test_includes_of_another_form_cost_no_post(tmp_path: Path, includes: Any) -> None:
    examples, problems, _ = read(write(tmp_path / "page.json", {"data": PAGE["data"], "includes": includes}))
    assert ([example.id for example in examples], problems) == (["11", "12", "14"], [])


def test_a_file_without_posts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no posts"):
        read(write(tmp_path / "a.json", {"meta": {"result_count": 0}}))
    (tmp_path / "empty.json").write_text("", "utf-8")
    with pytest.raises(InputError, match="holds no posts"):
        read(tmp_path / "empty.json")


def test_the_source_keeps_the_contract(tmp_path: Path) -> None:
    path = write(tmp_path / "page.json", PAGE)
    assert conformance.check_source(REGISTRY.create("source", "x-export", {"path": str(path)}))
