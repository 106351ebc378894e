"""Folded keys for comparing Persian text. What an author wrote is never replaced by its key."""

import unicodedata

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


class _WithoutMarks(dict[int, int | None]):
    """Maps vowel signs and invisible format characters to nothing. Fills itself: looking up is twice as fast."""

    def __missing__(self, code: int) -> int | None:
        kept = None if unicodedata.category(chr(code)) in ("Mn", "Cf") else code
        self[code] = kept
        return kept


_WITHOUT_MARKS = _WithoutMarks()


def fold(text: str) -> str:
    """Fold spelling that carries no meaning: Arabic letters, digits, vowel signs, half-spaces, case, white space.

    Half-spaces and other invisible format characters vanish; runs of white space become one space.
    """
    composed = unicodedata.normalize("NFC", text).translate(_LETTERS)
    kept = unicodedata.normalize("NFKC", composed).translate(_WITHOUT_MARKS)
    return " ".join(kept.casefold().split())


def comparison_key(text: str) -> str:
    """Return `fold(text)` without any white space: equal keys mean that nothing but spelling differs."""
    return fold(text).replace(" ", "")
