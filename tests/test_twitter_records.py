"""What needs no browser: searches and their addresses, numbers and names of a tweet, the file, the source."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gnb.core.errors import GnbError, InputError, SettingsError
from gnb.core.reading import read_source
from gnb.core.records import Example
from gnb.plugins import conformance
from gnb.plugins.manager import installed_plugins
from gnb.sources.twitter.collecting import check_target
from gnb.sources.twitter.private import HandleHash, state_dir
from gnb.sources.twitter.query import Search, build_searches, read_queries
from gnb.sources.twitter.records import TweetFile
from gnb.sources.twitter.tweet import parse_tweet, tweet_record

ARTICLE: dict[str, Any] = {
    "id": "12",
    "link": "/Zahra/status/12?s=20",
    "profile": "/Zahra",
    "time": "2024-03-08T12:00:00.000Z",
    "text": "سلام 😂 #زن @Ali",
    "lang": "fa",
    "links": ["#زن", "@Ali", "https://example.org"],
    "more": "",
    "replies": {"label": "3 Replies. Reply", "shown": "3"},
    "reposts": {"label": "", "shown": "1.2K"},
    "likes": {"label": "", "shown": ""},
}


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def record(number: int, **values: Any) -> dict[str, Any]:
    return {"id": str(number), "time": "2024-03-08T12:00:00.000Z", "text": f"متن {number}", "query": "زن", **values}


def write(path: Path, *records: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(each, ensure_ascii=False) + "\n" for each in records), encoding="utf-8")
    return path


class TestSearches:
    def test_the_address_carries_query_dates_language_and_order(self) -> None:
        search = Search("فقط زن", date(2024, 1, 2), date(2024, 2, 3), "fa", latest=True)
        words = "%D9%81%D9%82%D8%B7+%D8%B2%D9%86"
        query = f"{words}+since%3A2024-01-02+until%3A2024-02-03+lang%3Afa"
        assert search.address("https://x.com") == f"https://x.com/search?q={query}&src=typed_query&f=live"
        assert search.label() == "فقط زن since:2024-01-02 until:2024-02-03 lang:fa"
        assert Search("from:a", lang="fa").label(str.upper) == "from:A lang:fa"
        assert Search("زن").address("https://x.com") == "https://x.com/search?q=%D8%B2%D9%86&src=typed_query&f=top"

    def test_users_hashtags_and_lists_become_queries_each_once(self) -> None:
        given = (
            ["a  b", "a b"],
            ["@Zahra", "Zahra"],
            ["#زن_زندگی", "نیم\u200cفاصله"],
            ["https://x.com/i/lists/12", "12"],
        )
        words = [each.words for each in build_searches(Search("", lang="fa"), *given)]
        assert words == ["a b", "from:Zahra", "#زن_زندگی", "#نیم\u200cفاصله", "list:12"]

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            (([" "], [], [], []), "--query is blank"),
            (([], ["two words"], [], []), "--user 'two words': write a name"),
            (([], [], ["#a b"], []), "--hashtag '#a b': write a hashtag without spaces"),
            (([], [], [], ["my list"]), "--list 'my list': write the number of a list"),
        ],
    )
    def test_what_cannot_be_searched_for_is_refused(self, given: tuple[list[str], ...], message: str) -> None:
        with pytest.raises(SettingsError) as caught:
            build_searches(Search(""), *given)
        assert message in str(caught.value)

    def test_dates_in_the_wrong_order_and_a_language_that_is_none_are_refused(self) -> None:
        with pytest.raises(SettingsError, match="--since 2024-02-01 is not before --until 2024-02-01"):
            build_searches(Search("", date(2024, 2, 1), date(2024, 2, 1)), ["x"], [], [], [])
        with pytest.raises(SettingsError, match="--lang 'Persian': write a code such as fa"):
            build_searches(Search("", lang="Persian"), ["x"], [], [], [])

    def test_a_file_holds_one_query_a_line(self, tmp_path: Path) -> None:
        path = tmp_path / "queries.txt"
        path.write_bytes("\ufeffفقط زن\r\n\r\n #زن \r\n".encode())
        assert read_queries(path) == ["فقط زن", "#زن"]
        path.write_text("\n")
        with pytest.raises(InputError, match="holds no query; expected one a line"):
            read_queries(path)


class TestTweets:
    def test_an_article_becomes_a_record(self) -> None:
        tweet = parse_tweet(ARTICLE)
        assert tweet
        kept = tweet_record(tweet, "زن", HandleHash(), raw_handles=False)
        assert {key: kept[key] for key in ("id", "time", "text", "lang", "replies", "reposts", "likes", "query")} == {
            "id": "12",
            "time": "2024-03-08T12:00:00.000Z",
            "text": "سلام 😂 #زن @Ali",
            "lang": "fa",
            "replies": 3,
            "reposts": 1200,
            "likes": 0,
            "query": "زن",
        }
        assert kept["hashtags"] == ["زن"]
        assert "handle" not in kept
        raw = tweet_record(tweet, "زن", HandleHash(), raw_handles=True)
        assert (raw["handle"], raw["mentioned_handles"]) == ("Zahra", ["Ali"])

    def test_a_promoted_article_is_none(self) -> None:
        assert parse_tweet({**ARTICLE, "time": ""}) is None

    @pytest.mark.parametrize(
        ("label", "shown", "count"),
        [
            ("1,234 Likes. Like", "1.2K", 1234),
            ("۱٬۲۳۴ پسند. پسندیدن", "", 1234),
            ("", "۱٫۵ هزار", 1500),
            ("", "2M", 2_000_000),
            ("Like", "", 0),
            ("", "12", 12),
        ],
    )
    def test_counts_are_read_in_either_language(self, label: str, shown: str, count: int) -> None:
        tweet = parse_tweet({**ARTICLE, "likes": {"label": label, "shown": shown}})
        assert tweet
        assert tweet.likes == count

    def test_a_count_that_the_page_lacks_is_none(self) -> None:
        tweet = parse_tweet({**ARTICLE, "likes": None})
        assert tweet
        assert tweet.likes is None

    def test_half_a_character_becomes_one_that_a_file_can_hold(self) -> None:
        tweet = parse_tweet({**ARTICLE, "text": "نیم \ud83d"})
        assert tweet
        assert tweet.text == "نیم \ufffd"

    def test_names_hash_alike_on_this_machine_whatever_their_case_and_otherwise_on_another(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = HandleHash()("@Zahra")
        assert HandleHash()("zahra") == first
        assert (state_dir() / "handle-key").stat().st_mode & 0o777 == 0o600
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "other"))
        assert HandleHash()("zahra") != first


class TestFile:
    def test_each_tweet_is_kept_once_and_is_there_at_once(self, tmp_path: Path) -> None:
        path = tmp_path / "tweets.jsonl"
        with TweetFile(path) as file:
            assert file.add(record(1))
            assert not file.add(record(1))
            assert json.loads(path.read_text("utf-8")) == record(1)
        with TweetFile(path) as file:
            assert (file.ids, file.counts) == ({"1"}, {"زن": 1})

    @pytest.mark.parametrize("cut", [1, 40, "}", -1])
    def test_a_line_cut_off_while_it_was_written_is_removed(self, tmp_path: Path, cut: int | str) -> None:
        path = write(tmp_path / "tweets.jsonl", record(1), record(2, text="} بلند " * 3000))
        line = path.read_bytes().split(b"\n")[1]
        end = cut if isinstance(cut, int) else line.index(cut.encode()) + 1
        path.write_bytes(path.read_bytes().split(b"\n")[0] + b"\n" + line[:end])
        with TweetFile(path) as file:
            assert file.ids == {"1"}
            file.add(record(2))
        assert [json.loads(each)["id"] for each in path.read_text("utf-8").splitlines()] == ["1", "2"]

    def test_a_last_line_that_only_lacks_its_end_is_kept(self, tmp_path: Path) -> None:
        path = write(tmp_path / "tweets.jsonl", record(1), record(2))
        path.write_bytes(path.read_bytes()[:-1])
        with TweetFile(path) as file:
            file.add(record(3))
        assert [json.loads(each)["id"] for each in path.read_text("utf-8").splitlines()] == ["1", "2", "3"]

    def test_a_file_of_something_else_is_refused_and_left_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "corpus.jsonl"
        path.write_text('{"id": "1", "text": "متن"}\n', encoding="utf-8")
        with pytest.raises(InputError, match=r"corpus\.jsonl:1: is no tweet .* Collect into another file"):
            TweetFile(path)
        assert path.read_text("utf-8") == '{"id": "1", "text": "متن"}\n'

    @pytest.mark.parametrize(
        "content",
        [
            '{"notes": [1, 2]}',
            '{"id": "1", "text": "a line of a corpus, whole"}',
            '{\n "id": "1"\n}',
            "shopping\nmilk\nlast line",
            'diary\n{"id": "1", "te',
            '{"id": "1", "text": "a"}\n{"id": "2", "te',
            '{"id": "1", "text": "a"}\r{"id": "2", "te',
        ],
    )
    def test_a_file_of_something_else_without_a_last_line_end_loses_nothing(self, tmp_path: Path, content: str) -> None:
        path = tmp_path / "notes.json"
        path.write_bytes(content.encode())
        with pytest.raises(InputError, match="Collect into another file"):
            check_target(path)
        assert path.read_bytes() == content.encode()

    def test_a_folder_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(GnbError, match=r"cannot be written \(Is a directory\)"):
            TweetFile(tmp_path)


class TestSource:
    def read(self, path: Path) -> tuple[list[Example], list[str]]:
        source = installed_plugins().registry.create("source", "twitter", {"path": str(path)})
        examples, problems = read_source(source)
        return list(examples), [str(problem) for problem in problems.kept]

    def test_it_keeps_the_contract(self, tmp_path: Path) -> None:
        path = write(tmp_path / "t.jsonl", *map(record, range(3)))
        conformance.check_source(installed_plugins().registry.create("source", "twitter", {"path": str(path)}))

    def test_tweets_come_unlabelled_with_all_that_was_kept(self, tmp_path: Path) -> None:
        text = "خانوم دكتر\u2028\nمی‌ره 👨‍👩‍👧 \x00"
        path = write(tmp_path / "t.jsonl", record(7, text=text, likes=3, author="ab", lang="fa"))
        [example], problems = self.read(path)
        assert problems == []
        assert (example.id, example.text, example.references, example.biased) == ("7", text, (), None)
        assert example.origin == "t.jsonl:1"
        assert example.metadata["likes"] == 3

    def test_lines_that_are_no_tweets_are_reported(self, tmp_path: Path) -> None:
        path = write(tmp_path / "t.jsonl", record(1), record(2, text=" "), record(1), {"id": "3"})
        with path.open("a") as file:
            file.write("{\n" + "[" * 100_000 + "\n")
        examples, problems = self.read(path)
        assert [example.id for example in examples] == ["1"]
        assert [each.partition(": ")[2][:20] for each in problems] == [
            "a tweet without text",
            "the tweet 1 a second",
            "is no tweet that `gn",
            "is not JSON (Expecti",
            "is not JSON (it is n",
        ]

    def test_an_empty_or_missing_file_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="holds no tweet; collect some with: gnb collect twitter"):
            self.read(write(tmp_path / "t.jsonl"))
        with pytest.raises(InputError, match="No such file"):
            self.read(tmp_path / "none.jsonl")
