"""Right-to-left text on a terminal or in a file: made harmless, laid out, and its words marked."""

import unicodedata
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from gnb.core.edits import whole_word_edits

_LEFT_TO_RIGHT_MARK = "\u200e"
_RIGHT_TO_LEFT_ISOLATE = "\u2067"
_POP_ISOLATE = "\u2069"
_STEERING = frozenset("\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Line separators and explicit directions (https://www.unicode.org/reports/tr9/): they could disguise what follows."""

KEPT, DELETED, INSERTED, FOUND = "kept", "deleted", "inserted", "found"
_MARKS = {KEPT: ("", ""), DELETED: ("[-", "-]"), INSERTED: ("{+", "+}"), FOUND: ("[", "]")}
"""Changes as `git diff --word-diff` and wdiff write them."""


class Piece(NamedTuple):
    """A part of a text: kept, deleted, inserted, or found in it."""

    kind: str
    text: str


def printable(text: str) -> str:
    r"""Return a text on one line that can do nothing to a terminal: \n, \x1b and \u202e stand for such characters."""
    return "".join(_escape(character) for character in text)


def printable_lines(text: str) -> str:
    """Return a text that can do nothing to a terminal but break its lines."""
    return "\n".join(map(printable, text.split("\n")))


def marked(before: str, after: str) -> list[Piece]:
    """Return `after` with the words that `before` had and those it had not, in reading order; spelling aside.

    A deleted word keeps the space that parted it from the words beside it, if these have moved together.
    """
    pieces, place = [], 0
    for edit in whole_word_edits(before, after):
        kept, inserted = after[place : edit.target_start], after[edit.target_start : edit.target_end]
        deleted = before[edit.source_start : edit.source_end]
        left = right = ""
        if deleted:
            closes = not inserted  # nothing takes the deleted words' place
            left = _parting(before[: edit.source_start][-1:], after[: edit.target_start][-1:], closes)
            right = _parting(before[edit.source_end :][:1], after[edit.target_end :][:1], closes) if closes else " "
        pieces += [Piece(KEPT, kept + left), Piece(DELETED, deleted), Piece(KEPT, right), Piece(INSERTED, inserted)]
        place = edit.target_end
    pieces.append(Piece(KEPT, after[place:]))
    return [Piece(kind, printable(text)) for kind, text in pieces if text]


def _parting(old: str, new: str, closes: bool) -> str:
    """Return the space that a deleted word needs on a side where `old` stood beside it and `new` stands now."""
    if not new or new.isspace():
        return ""
    return " " if old.isspace() or (closes and new.isalnum()) else ""


def highlighted(text: str, spans: Iterable[tuple[int, int]]) -> list[Piece]:
    """Return a text with some words marked: half-open spans of its characters, in order and apart."""
    pieces, place = [], 0
    for start, end in spans:
        pieces += [Piece(KEPT, text[place:start]), Piece(FOUND, text[start:end])]
        place = end
    pieces.append(Piece(KEPT, text[place:]))
    return [Piece(kind, printable(part)) for kind, part in pieces if part]


def with_marks(pieces: Sequence[Piece]) -> str:
    """Return pieces as plain text: [-deleted-]{+inserted+}[found]."""
    return "".join(text.join(_MARKS[kind]) for kind, text in pieces)


def is_right_to_left(text: str) -> bool:
    """Tell whether the first letter of a text belongs to a right-to-left script (Unicode's rule P2)."""
    directions = (unicodedata.bidirectional(character) for character in text)
    return next((direction in ("R", "AL") for direction in directions if direction in ("L", "R", "AL")), False)


def edges(cells: int, width: int) -> tuple[str, str]:
    """Return what to put before and behind a right-to-left line so that it ends at the right edge of a terminal.

    It does so whether the terminal reorders such text or not. The mark at the start keeps terminals that guess a
    line's direction from moving the padding to the other side; the isolate gives Latin words, digits and punctuation
    of the line the direction of the text.

    Args:
        cells: the cells that the line takes.
        width: the cells there are.
    """
    return f"{_LEFT_TO_RIGHT_MARK}{' ' * (width - cells)}{_RIGHT_TO_LEFT_ISOLATE}", _POP_ISOLATE


def _escape(character: str) -> str:
    if unicodedata.category(character) in ("Cc", "Cs") or character in _STEERING:
        return character.encode("unicode_escape", "surrogatepass").decode("ascii")
    return character
