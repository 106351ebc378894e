"""Spelling rules on top of hazm, the Persian language library. Each takes a text and returns it normalised.

hazm's own `Normalizer().normalize` is these rules in this order: alphabet, style, digits, diacritics, spacing, symbols,
repeats, verbs. Called one by one they can be chosen, and the tables it builds anew for each text are built once.
"""

import os
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING

import regex

from gnb.core.paths import cache_dir

if TYPE_CHECKING:
    from hazm import Normalizer

_LETTERS = "آابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهی"
_HALF_SPACE = "\u200c"
_VERB = regex.compile(rf"(?<![\p{{L}}\p{{M}}\u200c])(ن?می)[ \u200c]?([{_LETTERS}]{{2,}})(?![\p{{L}}\p{{M}}\u200c])")

# hazm's affix rules without those that join what may stand alone: تر (wet), گر (if), ها (hey), می (May, wine), and
# without short words on ه such as که and به, which are no stems. The fixed part comes
# first: looking for it is fast, and spares most texts the pattern.
_AFFIXES = (
    (" ها", regex.compile(r"(?<=[\p{L}\p{M}]{2}) (هایی?)(?=[\s.:!،؛؟»\])}]|$)"), r"‌\1"),
    (" ترین", regex.compile(r"(?<=[\p{L}\p{M}]{2}) (ترین)(?=[\s.:!،؛؟»\])}]|$)"), r"‌\1"),
    ("ه ی ", regex.compile(r"(?<=[\p{L}\p{M}]{2}ه) ی (?=\S)"), "‌ی "),
    ("ه ا", regex.compile(r"(?<=[\p{L}\p{M}]{2}ه) (ا(?:م|یم|ش|ند|ی|ید|ت))(?=[\s.:!،؛؟»\])}]|$)"), r"‌\1"),
)


def alphabet(text: str) -> str:
    """Replace Arabic, Urdu and Kurdish letters and presentation forms by Persian letters (hazm's table)."""
    return text.translate(_alphabet_table())


def style(text: str) -> str:
    """Write quotation marks as guillemets, three dots as …, and the point in numbers as ٫ (hazm)."""
    return str(_normalizer().persian_style(text))


def digits(text: str) -> str:
    """Write European and Arabic digits and the per cent sign in Persian (hazm)."""
    return text.translate(_digit_table())


def diacritics(text: str) -> str:
    """Remove vowel signs, the tanvin of معمولاً included (hazm)."""
    return str(_normalizer().remove_diacritics(text))


def spacing(text: str) -> str:
    """Space words and punctuation as hazm does: it also glues what its lexicon knows as one word, as ول کن."""
    return str(_normalizer().correct_spacing(text))


def symbols(text: str) -> str:
    """Spell out ﷼ and its kind and remove Koranic and other special characters (hazm)."""
    return str(_normalizer().remove_specials_chars(_normalizer().unicodes_replacement(text)))


def repeats(text: str) -> str:
    """Shorten letters repeated for emphasis, سلامممم to سلام (hazm)."""
    return str(_normalizer().decrease_repeated_chars(text))


def verbs(text: str) -> str:
    """Write a half-space after می and نمی where hazm knows the verb: میروم and می روم become می‌روم."""
    if "می" not in text:
        return text
    return str(_VERB.sub(_join_verb, text))


def affixes(text: str) -> str:
    """Write a half-space before endings that never stand alone: کتاب های, بزرگ ترین, رفته اند."""
    for hint, pattern, replacement in _AFFIXES:
        if hint in text:
            text = pattern.sub(replacement, text)
    return text


def _join_verb(match: regex.Match[str]) -> str:
    joined = f"{match[1]}{_HALF_SPACE}{match[2]}"
    return joined if joined in _verb_forms() else match[0]


@cache
def _alphabet_table() -> dict[int, str]:
    from hazm.constants import TRANSLATION_DST, TRANSLATION_SRC
    from hazm.utils import maketrans

    return dict(maketrans(TRANSLATION_SRC, TRANSLATION_DST))


@cache
def _digit_table() -> dict[int, str]:
    from hazm.constants import NUMBERS_DST, NUMBERS_SRC
    from hazm.utils import maketrans

    return dict(maketrans(NUMBERS_SRC, NUMBERS_DST))


@cache
def _normalizer() -> "Normalizer":
    from hazm import Normalizer

    return Normalizer()


@cache
def _verb_forms() -> frozenset[str]:
    """Return hazm's verb forms that begin with می or نمی.

    They are kept in the user's cache: importing hazm takes seconds and 200 MB in each process that cleans.
    """
    file = cache_dir() / f"verb-forms-hazm-{version('hazm')}.txt"
    try:
        return frozenset(file.read_text("utf-8").splitlines())
    except OSError:
        forms = _conjugate()
    with suppress(OSError):  # a cache that cannot be written costs time, nothing else
        file.parent.mkdir(parents=True, exist_ok=True)
        scratch = file.with_suffix(f".{os.getpid()}")
        scratch.write_text("\n".join(sorted(forms)), "utf-8")
        scratch.replace(file)
    return forms


def _conjugate() -> frozenset[str]:
    from hazm.lemmatizer import Conjugation
    from hazm.utils import verbs_list

    conjugation = Conjugation()
    forms = (form for verb in verbs_list() for form in conjugation.get_all(verb))
    return frozenset(form for form in forms if form.startswith((f"می{_HALF_SPACE}", f"نمی{_HALF_SPACE}")))
