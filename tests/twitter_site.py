"""A replica of X: real pages over real HTTP on loopback, which behave as those of X do, with tweets of its own."""

import json
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

PAGES = Path(__file__).parent / "twitter_pages"
TOKEN = "0123456789abcdef"
WORDS = (
    *("مرد", "زن", "دختر", "پسر", "می‌رود", "خانه", "کتاب", "فمینیسم", "امروز", "كار", "علي", "شهر"),
    *("راننده", "همیشه", "گفت", "نمی‌دانم", "هوا", "خوب", "است"),
)
EMOJI = ["😂", "❤️", "👨\u200d👩\u200d👧", "🤦🏽\u200d♀️", "🇮🇷", "👍", "1️⃣"]
FACE = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 36 36"><circle cx="18" cy="18" r="17" fill="#fc4"/>'
    '<circle cx="12" cy="14" r="3"/><circle cx="24" cy="14" r="3"/><path d="M9 22q9 10 18 0z"/></svg>'
)

Part = str | dict[str, Any]


@dataclass
class Post:
    """One tweet of the site. `parts` are texts, and objects for emoji, links, hashtags and mentions."""

    id: str
    parts: list[Part]
    handle: str = "someone"
    name: str = "کسی"
    time: str = "2024-03-08T12:00:00.000Z"
    lang: str = "fa"
    replies: int = 0
    reposts: int = 0
    likes: int = 0
    promoted: bool = False
    more: str = ""
    cut: int = 1
    quoted: "Post | None" = None

    @property
    def text(self) -> str:
        """The text as a person reads it, links in full."""
        return "".join(map(_shown, self.parts))

    def named(self, kind: str) -> list[str]:
        """Return the hashtags ("tag") or mentions ("mention")."""
        return [part[kind] for part in self.parts if isinstance(part, dict) and kind in part]


def _shown(part: Part) -> str:
    match part:
        case {"emoji": shown}:
            return shown
        case {"tag": name}:
            return f"#{name}"
        case {"mention": name}:
            return f"@{name}"
        case {"link": pieces}:
            return "".join(pieces)
    assert isinstance(part, str)
    return part


def make_posts(count: int, *, seed: int = 0, start: int = 1764000000000000000) -> list[Post]:
    """Return so many tweets of all kinds, with promoted ones between them that do not count."""
    rng = random.Random(seed)
    posts: list[Post] = []
    for number in range(count):
        if number % 6 == 2:
            posts.append(_promoted(rng, start + number * 1000 + 1))
        posts.append(_post(rng, number, start + number * 1000))
    return posts


def organic(posts: list[Post]) -> list[Post]:
    """Return the tweets that nobody paid for."""
    return [post for post in posts if not post.promoted]


def _post(rng: random.Random, number: int, identity: int) -> Post:
    post = Post(
        id=str(identity),
        parts=_parts(rng, number),
        handle=f"user_{number % 17}",
        name=f"کاربر {number % 17}",
        time=(datetime(2024, 3, 8, 12, tzinfo=UTC) - timedelta(minutes=number)).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        lang=rng.choice(["fa", "fa", "fa", "en", "und"]),
        replies=rng.choice([0, 1, 12]),
        reposts=rng.choice([0, 999, 1000]),
        likes=rng.choice([0, 3, 1234, 56789]),
    )
    if number % 9 == 4:
        post.parts += [" ".join(rng.choices(WORDS, k=40)), {"emoji": "👍"}, " پایان"]
        post.more, post.cut = "button", 2
    if number % 11 == 5:
        quoted = Post(str(identity + 7), ["متن نقل‌شده ", {"emoji": "😂"}, {"tag": "دیگر"}], "quoted_one")
        post.quoted = quoted
    if number % 40 == 13:
        post.parts = []  # a picture alone
        post.more = ""
    return post


def _parts(rng: random.Random, number: int) -> list[Part]:
    parts: list[Part] = [f"{number}: " + " ".join(rng.choices(WORDS, k=rng.randrange(2, 30)))]
    extra: list[Part] = [
        {"emoji": rng.choice(EMOJI)},
        {"tag": "زن_زندگی"},
        {"mention": "user_3"},
        {"link": ["https://", "example.org/a", ""]},
        {"link": ["https://", "example.org/very/long/pa", "th/to/page?x=1"]},
        "\nخط دوم\n\nو سوم",
        "  دو فاصله  ",
    ]
    for part in rng.sample(extra, k=rng.randrange(0, 4)):
        parts += [" ", part, rng.choice(["", " و ", "\u200cها "])]
    return parts


def _promoted(rng: random.Random, identity: int) -> Post:
    quoted = Post(str(identity + 3), ["نقل در آگهی"], "quoted_ad") if rng.random() < 0.5 else None
    return Post(str(identity), ["همین حالا بخرید!"], "shop", "فروشگاه", promoted=True, quoted=quoted)


@dataclass
class Site:
    """What the site shows and how it behaves, and what it has seen.

    Attributes:
        posts: the tweets of every search that `queries` does not name.
        account: what each step of the log-in wants to read; steps that are absent are not asked for.
        open: whether searches need no session.
        wall: "sheet" or "redirect" after `after` tweets; so are `limit` and `names`.
        limit: answer 429 from there on; "silent" if the page then says nothing.
        names: other names of parts of the page, from there on.
        slow: seconds that each page of tweets takes.
        stall: never answer with more.
    """

    posts: list[Post] = field(default_factory=list)
    queries: dict[str, list[Post]] = field(default_factory=dict)
    protected: set[str] = field(default_factory=set)
    account: dict[str, str] = field(default_factory=lambda: {"username": "zahra", "password": "گذرواژه!7"})
    captcha: bool = False
    open: bool = False
    wall: str = ""
    limit: str = ""
    names: dict[str, str] = field(default_factory=dict)
    after: int = 0
    page_size: int = 20
    slow: float = 0.0
    stall: bool = False
    start_after: int = 0
    expand_after: int = 30
    url: str = ""
    requests: list[str] = field(default_factory=list)
    typed: list[tuple[str, str]] = field(default_factory=list)

    def timeline(self, query: str, path: str, cursor: int) -> dict[str, Any]:
        """Return one page of tweets; see `load` of search.html."""
        name = path.strip("/")
        if name in self.protected:
            return {"posts": [], "done": True, "protected": True}
        if "/status/" in path:
            found = [post for post in self._all() if post.id == path.rpartition("/")[2]]
            posts = [Post(**{**vars(post), "more": ""}) for post in found] + [Post("5", ["پاسخ"], "replier")]
            return {"posts": [asdict(post) for post in posts], "done": True}
        posts = self.queries.get(query, self.posts)
        batch = posts[cursor : cursor + self.page_size]
        past = cursor >= self.after
        page: dict[str, Any] = {"posts": [asdict(post) for post in batch], "done": cursor + len(batch) >= len(posts)}
        if past and self.wall:
            return {"posts": [], "wall": self.wall}
        if past and self.stall:
            return {"posts": [], "stall": True}
        return page | ({"names": self.names} if past else {})

    def next_step(self, step: str, value: str) -> dict[str, str]:
        """Return the page of the log-in that follows a step, or what is wrong."""
        self.typed.append((step, value))
        if value != self.account.get(step):
            return {"problem": f"Wrong {step}!  \u202eTry again."}
        if self.captcha:
            return {"next": "captcha"}
        steps = [each for each in ("username", "challenge", "password", "code") if each in self.account]
        return {"next": [*steps, "home"][steps.index(step) + 1]}

    def _all(self) -> list[Post]:
        return [post for posts in (self.posts, *self.queries.values()) for post in posts]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self.site.requests.append(self.path)
        parts = urlsplit(self.path)
        values = {key: found[0] for key, found in parse_qs(parts.query).items()}
        match parts.path:
            case "/robots.txt":
                self._send("User-agent: *\nDisallow:\n", "text/plain")
            case "/emoji.svg":
                self._send(FACE, "image/svg+xml")
            case "/i/flow/login" | "/login":
                self._send((PAGES / "login.html").read_text("utf-8"))
            case "/i/api/timeline":
                self._timeline(values)
            case "/search" if not (self.site.open or self._session()):
                self._redirect("/i/flow/login?redirect_after_login=%2Fsearch")
            case _:
                behaviour = {
                    "silent": self.site.limit == "silent",
                    "startAfter": self.site.start_after,
                    "expandAfter": self.site.expand_after,
                }
                page = (PAGES / "search.html").read_text("utf-8")
                self._send(page.replace('"SITE"', json.dumps(json.dumps(behaviour))))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = self.site.next_step(body["step"], body["value"])
        cookie = f"auth_token={TOKEN}; Path=/; HttpOnly; Max-Age=86400" if answer.get("next") == "home" else ""
        self._send(json.dumps(answer), "application/json", {"Set-Cookie": cookie} if cookie else {})

    def _timeline(self, values: dict[str, str]) -> None:
        time.sleep(self.site.slow)
        cursor = int(values["cursor"])
        if self.site.limit and cursor >= self.site.after:
            self._send("Rate limit exceeded", "text/plain", status=429)
            return
        self._send(json.dumps(self.site.timeline(values.get("q", ""), values["path"], cursor)), "application/json")

    def _session(self) -> bool:
        cookie = SimpleCookie(self.headers.get("Cookie", "")).get("auth_token")
        return cookie is not None and cookie.value == TOKEN

    def _redirect(self, to: str) -> None:
        self._send("", headers={"Location": to}, status=302)

    def _send(
        self, text: str, kind: str = "text/html", headers: dict[str, str] | None = None, status: int = 200
    ) -> None:
        data = text.encode()
        with suppress(OSError):  # the browser may be gone
            self.send_response(status)
            values = {"Content-Type": f"{kind}; charset=utf-8", "Content-Length": str(len(data)), **(headers or {})}
            for key, value in values.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(data)


@contextmanager
def serving(**behaviour: Any) -> Iterator[Site]:
    """Serve a site on loopback until the block ends."""
    site = Site(**behaviour)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"site": site}))
    server.daemon_threads = True
    site.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
