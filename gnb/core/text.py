"""Folded keys for comparing Persian text. What an author wrote is never replaced by its key."""

import re
import unicodedata

_PERSIAN_LETTER = re.compile(
    r"[\u0620-\u063f\u0641-\u064a\u066e-\u06d3\u06ee-\u06ef\u06fa-\u06ff"  # without digits, marks and the tatweel
    r"\ufb50-\ufbb1\ufbd3-\ufdfb\ufe70-\ufefc]"
)
"""A letter of the Arabic script, or a form of one."""
_LETTERS = str.maketrans(
    {
        "ي": "ی",
        "ى": "ی",
        "ئ": "ی",
        "ك": "ک",
        "ة": "ه",
        "ۀ": "ه",
        "أ": "ا",
        "إ": "ا",
        "ؤ": "و",
        "ـ": None,
        **{chr(0x0660 + digit): str(digit) for digit in range(10)},
        **{chr(0x06F0 + digit): str(digit) for digit in range(10)},
    }
)


class _Folding(dict[int, int | str | None]):
    """Maps letters to their folded form, vowel signs and invisible format characters to nothing, the rest to itself.

    It fills itself: a character that a translation table lacks costs `str.translate` several times a look-up.
    """

    def __missing__(self, code: int) -> int | None:
        kept = None if unicodedata.category(chr(code)) in ("Mn", "Cf") else code
        self[code] = kept
        return kept


_FOLDING = _Folding(_LETTERS)


def fold(text: str) -> str:
    """Fold spelling that carries no meaning: Arabic letters, digits, vowel signs, half-spaces, case, white space.

    Half-spaces and other invisible format characters vanish; runs of white space become one space.
    """
    folded = unicodedata.normalize("NFC", text).translate(_FOLDING)
    if not unicodedata.is_normalized("NFKC", folded):
        # Folded once more, as the compatibility forms bring letters of their own: ﻲ becomes ي, then ی.
        folded = unicodedata.normalize("NFKC", folded).translate(_FOLDING)
    return " ".join(folded.casefold().split())


def has_letters(text: str) -> bool:
    """Tell whether a text holds a letter: a model that is asked about spaces, digits or emoji alone makes up words."""
    return any(map(str.isalpha, text))


def has_persian_letters(text: str) -> bool:
    """Tell whether a text holds a letter of the Persian script: a model that was tuned on Persian garbles others."""
    return _PERSIAN_LETTER.search(text) is not None


def comparison_key(text: str) -> str:
    """Return `fold(text)` without any white space: equal keys mean that nothing but spelling differs."""
    return fold(text).replace(" ", "")
