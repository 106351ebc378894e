"""What can go wrong on the page. Each fault says what it is and what to do."""

from gnb.core.errors import GnbError


class PageError(GnbError):
    """The page shows something else than tweets.

    Attributes:
        name: what it is, in one word or two; names the screenshot.
        final: whether further searches would meet the same.
        explanation: what happened and what to do.
    """

    name = "fault"
    final = True
    explanation = ""

    def __init__(self, detail: str = "") -> None:
        super().__init__(f"{self.explanation}{f' ({detail})' if detail else ''}")


class LoginWallError(PageError):
    """The site wants a log-in."""

    name = "login-wall"
    explanation = "X asks for a log-in here; use --login, or --cookies FILE with the cookies of your browser"


class RateLimitError(PageError):
    """The site refuses to answer so many requests."""

    name = "rate-limit"
    explanation = "X answers no more requests for now; wait a quarter of an hour at least, and use a longer --delay"


class StalledError(PageError):
    """The page loads without end."""

    name = "stalled"
    explanation = "The page did not finish loading; the site or the network is slow, or X limits the rate"


class ChangedPageError(PageError):
    """The page is not built as gnb knows it."""

    name = "changed-page"
    explanation = "The page is built in another way than gnb knows; look for a newer gnb"


class ProtectedError(PageError):
    """The account shows its tweets to its followers alone."""

    name = "protected"
    final = False
    explanation = "The account is protected: only its followers see its tweets"


class EmptyResultError(PageError):
    """The search finds nothing."""

    name = "empty-result"
    final = False
    explanation = "X finds nothing for this"


class BrowserGoneError(PageError):
    """The browser was closed, crashed, or cannot reach the site."""

    name = "browser"
    explanation = "The browser cannot go on"
