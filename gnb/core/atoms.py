"""Pieces of text that no rule may tear apart: links, addresses, @names, hashtags and emoji.

They are replaced by one placeholder character each before other rules run, and put back byte for byte afterwards.
"""

from difflib import SequenceMatcher
from typing import Literal, NamedTuple

import regex

AtomKind = Literal["link", "mail", "mention", "hashtag", "emoji", "private"]

PLACEHOLDER = "\ue000"
"""A private-use character: no letter, no space, no punctuation, so that no rule looks at it."""

# One emoji and sequences of them, after the expression in Unicode Technical Standard #51, section 1.4.9. Characters
# that are text unless a variation selector follows, such as © and ™, count only with it.
_EMOJI_UNIT = (
    r"(?:\p{RI}\p{RI}|[0-9#*]\ufe0f?\u20e3|(?![©®™](?!\ufe0f))(?:\p{Extended_Pictographic}|\p{Emoji_Modifier})"
    r"\p{Emoji_Modifier}?[\ufe0e\ufe0f]?\u20e3?(?:[\U000e0020-\U000e007e]+\U000e007f)?)"
)
_KINDS: dict[AtomKind, str] = {
    "mail": r"[\w.+-]+@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}",
    "link": r"(?:(?:https?|ftp)://|\bwww\.)[^\s<>\"«»]*[^\s<>\"«».,:;!?)\]}،؛؟]"
    r"|\b(?<![@.])(?:[A-Za-z0-9-]+\.)+(?:com|net|org|ir|co|me|io|info|tv)\b(?:/[^\s<>\"«»]*[^\s<>\"«».,:;!?)\]}،؛؟])?",
    "mention": r"(?<![\w@])@\w[\w.]*(?<!\.)",
    "hashtag": r"#[\w\u200c]*\w",
    "emoji": rf"{_EMOJI_UNIT}(?:\u200d{_EMOJI_UNIT})*",
    "private": PLACEHOLDER,
}
_NAMES: frozenset[AtomKind] = frozenset({"mail", "link", "mention", "hashtag"})
_ATOM = regex.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in _KINDS.items()))
_EMOJI: frozenset[AtomKind] = frozenset({"emoji"})
# ♀ and ♂, girls, boys, women, men, the old, couples, and whom the standard calls princess, bride, mother and the like.
_GENDERED = regex.compile("[♀♂👦-👩👫-👭👯👰👲👴👵👸💃🕺🎅🤰🤱🤴-🤶🧕🚹🚺]")
_SPACE_SIGN = "\u2581"
"""▁, which the tokenizers of some models cannot tell from a space: it never comes back in an answer."""
_WORD = regex.compile(rf"\s*(?:[^\s{_SPACE_SIGN}]+|{_SPACE_SIGN}+)")
# A cheap look that spares most texts the long expression.
_HINT = regex.compile(r"[@#\u20e3\ue000]|://|[A-Za-z0-9]\.[A-Za-z]|\p{RI}|\p{Extended_Pictographic}|\p{Emoji_Modifier}")


class Atom(NamedTuple):
    """One protected piece: its kind, and its text byte for byte."""

    kind: AtomKind
    text: str


def hide_atoms(text: str) -> tuple[str, list[Atom]]:
    """Replace each atom by `PLACEHOLDER`. Returns the masked text and the atoms in their order."""
    if not _HINT.search(text):
        return text, []
    atoms: list[Atom] = []

    def hide(match: regex.Match[str]) -> str:
        atoms.append(Atom(match.lastgroup, match.group()))
        return PLACEHOLDER

    return _ATOM.sub(hide, text), atoms


def show_atoms(masked: str, atoms: list[Atom]) -> str:
    """Put the atoms back in their places."""
    if not atoms:
        return masked
    parts = masked.split(PLACEHOLDER)
    return "".join(part + (atoms[place].text if place < len(atoms) else "") for place, part in enumerate(parts))


def restore_atoms(changed: str, original: str) -> str:
    """Put the original's links, mail addresses, @names, hashtags and emoji in the places of those of a changed text.

    They name something else, which a changed letter breaks. Where a changed text has fewer or more names than the
    original, what was changed around those is undone. Emoji stay as they are where there are not as many, and those of
    women and men wherever they are: to change them may be right.
    """
    if changed and _counts(changed) != _counts(original):
        changed = _undo_losses(changed, original)
    own = hide_atoms(original)[1]
    masked, atoms = hide_atoms(changed)
    for kinds in (_NAMES, _EMOJI):
        atoms = _replaced(atoms, own, kinds)
    return show_atoms(masked, atoms)


def _replaced(atoms: list[Atom], own: list[Atom], kinds: frozenset[AtomKind]) -> list[Atom]:
    """Return the atoms with those of some kinds replaced in their order, if there are as many."""
    theirs = [atom for atom in own if atom.kind in kinds]
    if sum(atom.kind in kinds for atom in atoms) != len(theirs):
        return atoms
    waiting = iter(theirs)
    pairs = ((atom, next(waiting) if atom.kind in kinds else atom) for atom in atoms)
    return [atom if first.kind == "emoji" and _GENDERED.search(first.text) else first for atom, first in pairs]


def _counts(text: str) -> tuple[int, int]:
    """Return how many names a text has, and how many of the signs that tokenizers take for spaces."""
    return sum(atom.kind in _NAMES for atom in hide_atoms(text)[1]), text.count(_SPACE_SIGN)


def _undo_losses(changed: str, original: str) -> str:
    """Return a changed text in which each change of words that loses or adds what `_counts` counts is undone."""
    own, new = _WORD.findall(original), _WORD.findall(changed)
    words = [word.strip() for word in own], [word.strip() for word in new]
    parts: list[str] = []
    is_kept = False
    for tag, start, end, new_start, new_end in SequenceMatcher(None, *words, autojunk=False).get_opcodes():
        before, after = own[start:end], new[new_start:new_end]
        if tag == "equal":
            # behind a change that is kept, with the space that follows it there
            parts += [after[0] if is_kept else before[0], *before[1:]]
            continue
        is_kept = _counts("".join(before)) == _counts("".join(after))
        parts += after if is_kept else before
    return "".join(parts).strip()


def drop_atoms(masked: str, atoms: list[Atom], kind: AtomKind) -> tuple[str, list[Atom]]:
    """Remove the atoms of one kind with their placeholders."""
    if all(atom.kind != kind for atom in atoms):
        return masked, atoms
    first, *parts = masked.split(PLACEHOLDER)
    kept = "".join(part if atom.kind == kind else PLACEHOLDER + part for atom, part in zip(atoms, parts, strict=True))
    return first + kept, [atom for atom in atoms if atom.kind != kind]
