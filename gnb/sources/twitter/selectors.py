"""What the pages of X look like: the one place to mend when they change.

Selectors are CSS. Notices are what the page says instead of tweets, in the two languages that people who collect
Persian tweets are likely to have set.
"""

import re
from typing import Final

HOME: Final = "https://x.com"
LOGIN_PATH: Final = "/i/flow/login"
WALL_PATHS: Final = (LOGIN_PATH, "/login", "/account/access")
"""Where the site leads those whom it does not let in; the last one unlocks an account."""
SESSION_COOKIE: Final = "auth_token"

USERNAME: Final = "input[autocomplete=username]"
CHALLENGE: Final = "input[data-testid=ocfEnterTextTextInput]"
"""Asks for the mail address or the phone number before the password, and for a one-time code after it."""
PASSWORD: Final = "input[autocomplete=current-password]"  # noqa: S105
REFUSAL: Final = "[data-testid=toast], [role=alert]"

TIMELINE: Final = {
    "tweet": "article[data-testid=tweet]",
    "quote": "div[role=link], article[data-testid=tweet] article[data-testid=tweet]",
    "author": "div[data-testid=User-Name]",
    "time": "time[datetime]",
    "text": "div[data-testid=tweetText]",
    "more": "[data-testid=tweet-text-show-more-link]",
    "permalink": 'a[href*="/status/"]',
    "reply": "button[data-testid=reply]",
    "retweet": "button[data-testid=retweet], button[data-testid=unretweet]",
    "like": "button[data-testid=like], button[data-testid=unlike]",
    "column": "[data-testid=primaryColumn], main",
    "cell": "[data-testid=cellInnerDiv]",
    "empty": "[data-testid=emptyState], [data-testid=empty_state_header_text]",
    "notice": "[data-testid=emptyState], [data-testid=error-detail], [data-testid=toast], [role=alert]",
    "loading": "main [role=progressbar]",
    "login": f"{USERNAME}, [data-testid=loginButton], [data-testid=google_sign_in_container]",
}
"""What `page.js` is given. A promoted tweet has no time of its own; a quoted one is no text of its author."""

RATE_LIMIT: Final = re.compile(
    r"rate limit|too many requests|something went wrong\. try reloading|محدودیت (?:نرخ|تعداد)|مشکلی پیش آمد",
    re.IGNORECASE,
)
PROTECTED: Final = re.compile(
    r"(?:posts|tweets) are protected|account is private|محافظت[\u200c ]?شده|خصوصی است", re.IGNORECASE
)
EMPTY: Final = re.compile(
    r"no results for|hasn['’]t posted|account doesn['’]t exist|account suspended|نتیجه‌ای (?:برای|یافت)", re.IGNORECASE
)
