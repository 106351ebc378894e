"""Token edits between two texts: what an edit metric counts and what a report marks as changed.

Two texts are aligned by their longest common subsequence of tokens. Changes that touch, with no kept token between
them, are one edit, as in the MaxMatch scorer (Dahlmeier & Ng 2012) and ERRANT (Bryant et al. 2017). Spelling is folded
first, so that a half-space, white space, a vowel sign or an Arabic ي or ك is never an edit.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise

import regex
from rapidfuzz.distance import Indel

from gnb.core.text import comparison_key

# A half-space ends a token, so that می‌رود and می رود have the same tokens. \X is one user-perceived character:
# punctuation, or a whole emoji sequence.
_TOKEN = regex.compile(r"https?://\S+|[#@][\w\u200c]+|[\p{L}\p{M}\p{N}_]+|(?!\s)\X")

_WORD = regex.compile(r"[\p{L}\p{M}\p{N}_]+(?:\u200c+[\p{L}\p{M}\p{N}_]+)*")
"""A word as a reader sees it, its half-spaces included."""
_HALF_SPACE = regex.compile(r"(?<=[\p{L}\p{M}\p{N}_])\u200c+(?=[\p{L}\p{M}\p{N}_])")
"""What joins two tokens to one word."""

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
    return [Edit(*_span(before, c[0], c[1]), *_span(after, c[2], c[3])) for c in _trimmed_changes(before, after)]


def whole_word_edits(source: str, target: str) -> list[Edit]:
    """Return the edits as a reader should see them: none begins or ends inside a word that half-spaces join.

    An edit of a part of a word takes the rest of it along, on both sides; edits that meet so become one.
    """
    before, after = _tokens(source), _tokens(target)
    changes = _trimmed_changes(before, after)
    around = [(0, 0, 0, 0), *changes, (len(before), len(before), len(after), len(after))]
    kept = [
        gaps
        for (_, start, _, new_start), (end, _, new_end, _) in pairwise(around)
        if (gaps := _common_gaps(_gaps(source, before, start, end), _gaps(target, after, new_start, new_end)))
    ]
    ends = [(left[-1], right[0]) for left, right in pairwise(kept)]
    return [Edit(*_span(before, i, j), *_span(after, new_i, new_j)) for (i, new_i), (j, new_j) in ends]


def changed_spans(source: str, target: str) -> list[tuple[int, int]]:
    """Return the half-open spans of characters of `source` that its edits change: whole words, in order and apart.

    Where something is only added, the nearest word stands for the place, or the whole text if it has no word.
    """
    found: list[tuple[int, int]] = []
    for edit in whole_word_edits(source, target):
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


def _trimmed_changes(before: Sequence[_Token], after: Sequence[_Token]) -> Iterator[_Change]:
    for change in _changes(_keys(before), _keys(after)):
        start, end, new_start, new_end = _trim(before, after, change)
        if start < end or new_start < new_end:
            yield start, end, new_start, new_end


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


def _gaps(text: str, tokens: Sequence[_Token], start: int, end: int) -> dict[int, int]:
    """Return the tokens from `start` to `end` before which a word begins, by the letters of the keys up to there."""
    letters = accumulate((len(token.key) for token in tokens[start:end]), initial=0)
    return {
        count: index
        for index, count in enumerate(letters, start)
        if not (0 < index < len(tokens) and _HALF_SPACE.match(text, tokens[index - 1].end))
    }


def _common_gaps(gaps: Mapping[int, int], new_gaps: Mapping[int, int]) -> list[tuple[int, int]]:
    """Return where both of two texts that differ in spelling alone have a gap between words, in order."""
    return [(gaps[letters], new_gaps[letters]) for letters in sorted(gaps.keys() & new_gaps.keys())]


def _span(tokens: Sequence[_Token], start: int, end: int) -> tuple[int, int]:
    """Return the characters that the tokens cover; for no tokens, the place before the next one."""
    if start < end:
        return tokens[start].start, tokens[end - 1].end
    if start < len(tokens):
        return tokens[start].start, tokens[start].start
    place = tokens[-1].end if tokens else 0
    return place, place
