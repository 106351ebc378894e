"""Memory and time of collecting many tweets from the tests' replica of X, with a real browser.

Run: python -m benchmarks.collecting [TWEETS]
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from twitter_site import make_posts, organic, serving  # the replica

from gnb.sources.twitter.browser import open_browser
from gnb.sources.twitter.collecting import collect
from gnb.sources.twitter.options import BrowserOptions, CollectOptions
from gnb.sources.twitter.query import Search


def main(count: int, folder: Path) -> None:
    """Collect so many tweets, say each thousand what that takes, and check that none is missing."""
    print("Collecting tweets from a replica of X without pauses: resident memory in MiB\n")
    print("| tweets | seconds | gnb with the replica's server | browser, all processes |\n|---:|---:|---:|---:|")
    os.environ["XDG_STATE_HOME"] = str(folder)
    posts = make_posts(count)
    with serving(posts=posts, open=True, page_size=100) as site, open_browser(BrowserOptions()) as browser:
        options = CollectOptions(path=folder / "tweets.jsonl", url=site.url, delay=0)
        us, start = psutil.Process(), time.perf_counter()

        def track(what: str, done: int, total: int) -> None:
            if done % 1000 == 0:
                theirs = sum(each.memory_info().rss for each in us.children(recursive=True)) >> 20
                ours, seconds = us.memory_info().rss >> 20, time.perf_counter() - start
                print(f"| {done:,} | {seconds:.0f} | {ours} | {theirs:,} |", flush=True)

        list(collect(browser, [Search("x")], options, track))
    kept = [json.loads(line)["id"] for line in options.path.read_text("utf-8").split("\n")[:-1]]
    assert kept == [post.id for post in organic(posts)], "not what the site has"
    print("\nEach tweet of the site was kept once, in order, and no promoted one.")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000, Path(place))
