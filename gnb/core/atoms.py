"""Pieces of text that no rule may tear apart: links, addresses, @names, hashtags and emoji.

They are replaced by one placeholder character each before other rules run, and put back byte for byte afterwards.
"""

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


def restore_names(changed: str, original: str) -> str:
    """Put the original's links, mail addresses, @names and hashtags in the places of those of a changed text.

    They name something else, which a changed letter breaks. Where there are not as many, nothing is done.
    """
    names = iter(own := [atom for atom in hide_atoms(original)[1] if atom.kind in _NAMES])
    masked, atoms = hide_atoms(changed)
    if sum(atom.kind in _NAMES for atom in atoms) != len(own):
        return changed
    return show_atoms(masked, [next(names) if atom.kind in _NAMES else atom for atom in atoms])


def drop_atoms(masked: str, atoms: list[Atom], kind: AtomKind) -> tuple[str, list[Atom]]:
    """Remove the atoms of one kind with their placeholders."""
    if all(atom.kind != kind for atom in atoms):
        return masked, atoms
    first, *parts = masked.split(PLACEHOLDER)
    kept = "".join(part if atom.kind == kind else PLACEHOLDER + part for atom, part in zip(atoms, parts, strict=True))
    return first + kept, [atom for atom in atoms if atom.kind != kind]
