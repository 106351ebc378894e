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


def fold(text: str) -> str:
    """Fold spelling that carries no meaning: Arabic letters, digits, vowel signs, half-spaces, case, white space.

    Half-spaces and other invisible format characters vanish; runs of white space become one space.
    """
    composed = unicodedata.normalize("NFC", text).translate(_LETTERS)
    kept = (c for c in unicodedata.normalize("NFKC", composed) if unicodedata.category(c) not in ("Mn", "Cf"))
    return " ".join("".join(kept).casefold().split())


def comparison_key(text: str) -> str:
    """Return `fold(text)` without any white space: equal keys mean that nothing but spelling differs."""
    return fold(text).replace(" ", "")
