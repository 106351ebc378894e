"""Token edits between two texts: what an edit metric counts and what a report marks as changed.

Two texts are aligned by their longest common subsequence of tokens. Changes that touch, with no kept token between
them, are one edit, as in the MaxMatch scorer (Dahlmeier & Ng 2012) and ERRANT (Bryant et al. 2017). Spelling is folded
first, so that a half-space, white space, a vowel sign or an Arabic ي or ك is never an edit.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import regex
from rapidfuzz.distance import Indel

from gnb.core.text import comparison_key

# A half-space ends a token, so that می‌رود and می رود have the same tokens. \X is one user-perceived character:
# punctuation, or a whole emoji sequence.
_TOKEN = regex.compile(r"https?://\S+|[#@][\w\u200c]+|[\p{L}\p{M}\p{N}_]+|(?!\s)\X")

_WORD = regex.compile(r"[\p{L}\p{M}\p{N}_]+(?:\u200c+[\p{L}\p{M}\p{N}_]+)*")
"""A word as a reader sees it, its half-spaces included."""

_Change = tuple[int, int, int, int]
"""Half-open spans of tokens: source start and end, target start and end."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One change, as half-open spans of characters; an empty span stands where something was added or removed."""

    source_start: int
    source_end: int
    target_start: int
    target_end: int


@dataclass(frozen=True, slots=True)
class _Token:
    start: int
    end: int
    key: str


def edits(source: str, target: str) -> list[Edit]:
    """Return the edits that turn `source` into `target`, in order; none if only spelling or spacing differs."""
    before, after = _tokens(source), _tokens(target)
    trimmed = (_trim(before, after, change) for change in _changes(_keys(before), _keys(after)))
    return [Edit(*_span(before, c[0], c[1]), *_span(after, c[2], c[3])) for c in trimmed if c[0] < c[1] or c[2] < c[3]]


def changed_spans(source: str, target: str) -> list[tuple[int, int]]:
    """Return the half-open spans of characters of `source` that its edits change, in order and apart.

    Where something is only added, the nearest word stands for the place, or the whole text if it has no word.
    """
    found: list[tuple[int, int]] = []
    for edit in edits(source, target):
        start, end = edit.source_start, edit.source_end
        if start == end:
            start, end = _nearest_word(source, start)
        while found and start < found[-1][1]:
            before = found.pop()
            start, end = min(start, before[0]), max(end, before[1])
        found.append((start, end))
    return found


def _nearest_word(text: str, place: int) -> tuple[int, int]:
    words = (match.span() for match in _WORD.finditer(text))
    return min(words, key=lambda word: max(word[0] - place, place - word[1]), default=(0, len(text)))


@lru_cache(maxsize=4096)
def _tokens(text: str) -> tuple[_Token, ...]:
    tokens = (_Token(m.start(), m.end(), comparison_key(m.group())) for m in _TOKEN.finditer(text))
    return tuple(token for token in tokens if token.key)


def _keys(tokens: Sequence[_Token]) -> list[str]:
    return [token.key for token in tokens]


def _changes(before: Sequence[str], after: Sequence[str]) -> Iterator[_Change]:
    """Yield what lies between the kept tokens of the alignment."""
    start = new_start = 0
    for code in (*Indel.opcodes(before, after), None):
        if code is not None and code.tag != "equal":
            continue
        end, new_end = (code.src_start, code.dest_start) if code else (len(before), len(after))
        if start < end or new_start < new_end:
            yield start, end, new_start, new_end
        start, new_start = (code.src_end, code.dest_end) if code else (end, new_end)


def _trim(before: Sequence[_Token], after: Sequence[_Token], change: _Change) -> _Change:
    """Take from both ends of a change the tokens that differ only in where they are written apart."""
    start, end, new_start, new_end = change
    head, new_head = _equal_head(_keys(before[start:end]), _keys(after[new_start:new_end]))
    start, new_start = start + head, new_start + new_head
    old = [key[::-1] for key in reversed(_keys(before[start:end]))]
    new = [key[::-1] for key in reversed(_keys(after[new_start:new_end]))]
    tail, new_tail = _equal_head(old, new)
    return start, end - tail, new_start, new_end - new_tail


def _equal_head(old: Sequence[str], new: Sequence[str]) -> tuple[int, int]:
    """Return how many leading tokens of each side make the same text when written together."""
    best = (0, 0)
    i = j = 0
    left = right = ""
    while i < len(old) or j < len(new):
        if len(left) <= len(right) and i < len(old):
            left, i = left + old[i], i + 1
        elif j < len(new):
            right, j = right + new[j], j + 1
        else:
            break
        if left == right:
            best = (i, j)
        elif not (left.startswith(right) or right.startswith(left)):
            break
    return best


def _span(tokens: Sequence[_Token], start: int, end: int) -> tuple[int, int]:
    """Return the characters that the tokens cover; for no tokens, the place before the next one."""
    if start < end:
        return tokens[start].start, tokens[end - 1].end
    if start < len(tokens):
        return tokens[start].start, tokens[start].start
    place = tokens[-1].end if tokens else 0
    return place, place
