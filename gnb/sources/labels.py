"""The spellings of labels and splits that files use, each of them in a table."""

import math
from typing import Any

from gnb.core.text import comparison_key

_WORDS: dict[bool | None, str] = {
    True: "1|1.0|true|t|yes|y|biased|bias|بله|بلی|آری|درست|دارد|سوگیرانه|جانبدارانه|جنسیت‌زده|سوگیری دارد"
    "|بایاس|بایاس دارد|دارای بایاس",
    False: "0|0.0|false|f|no|n|unbiased|not biased|non-biased|neutral|none|خیر|نه|نادرست|ندارد|خنثی|بی‌طرف|بدون سوگیری"
    "|بایاس ندارد|بدون بایاس",
    None: "|nan|null|na|n/a|-|?|unknown|unlabelled|unlabeled|نامشخص",
}
_BIASED = {comparison_key(word): label for label, words in _WORDS.items() for word in words.split("|")}
_SPLITS: dict[str, str | None] = {
    **dict.fromkeys(("train", "training", "آموزش"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev", "development", "اعتبارسنجی"), "validation"),
    **dict.fromkeys(("test", "testing", "آزمون"), "test"),
    **dict.fromkeys(("", "nan", "null"), None),
}


class UnusableError(Exception):
    """A row that gives no example; the message says what was found and what was expected."""


def parse_biased(value: Any) -> bool | None:
    """Read a label: 0 and 1, true and false, yes and no, biased and unbiased or neutral, Persian words; None if empty.

    Raises:
        UnusableError: if it is none of these.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    try:
        return _BIASED[comparison_key(str(value))]
    except KeyError:
        raise UnusableError(
            f"the label {str(value)[:40]!r}; expected 1 or 0, true or false, yes or no, biased or unbiased, بله or خیر"
        ) from None


def parse_split(value: Any) -> str | None:
    """Read the name of a split: train, validation (valid, val, dev) or test; None if empty.

    Raises:
        UnusableError: if it is none of these.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    try:
        return _SPLITS[comparison_key(str(value))]
    except KeyError:
        raise UnusableError(f"the split {str(value)[:40]!r}; expected train, validation or test") from None
