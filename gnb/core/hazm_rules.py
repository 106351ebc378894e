"""hazm's normalisation rules, one by one and several times faster: the same texts come out, as a test compares.

`hazm.Normalizer().normalize` is alphabet, style, digits, diacritics, spacing, symbols, repeats, in this order, and the
separation of verbs. Here each expression begins with something that the search can look for, and is tried only where
a cheaper look says that it may match. The expressions are those of hazm 0.12.
"""

import re
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from gnb.core.kept import kept

_LETTERS = "آابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهی"
_AFTER = r"\.:!،؛؟»\]\)\}"  # punctuation that follows a word
_BEFORE = r"«\[\(\{"
_HALF_SPACE = "\u200c"

_QUOTED = re.compile(r'"([^\n"]+)"')
_POINT = re.compile(r"([\d+])\.([\d+])")
_DIACRITICS = re.compile("[\u064b-\u0652]")
_LONG_SPACE = re.compile(r" {2,}")
_LONG_BREAK = re.compile(r"\n{3,}")
_LONG_HALF_SPACE = re.compile("\u200c{2,}")
_HALF_SPACE_BEHIND = re.compile(r"‌(?<=\w‌)(?!\w)")
_HALF_SPACE_BEFORE = re.compile(r"‌(?<!\w‌)(?=\w)")
# A run of ؟!?, a run of digits, points and colons, or one sign.
_TOKEN = re.compile(r'[؟!?\d.:،؛»\])}"«\[({/\\](?:(?<=[؟!?])[؟!?]*|(?<=[\d.:])[\d.:]*)?')
_APART_YE = re.compile(r"([^ ]ه) ی ")
_APART_MI = re.compile(r"(^| )(ن?می) ")
_APART_ENDING = re.compile(rf" (?<=[^\n\d {_AFTER}{_BEFORE}]{{2}} )(تر(?:ین?)?|گری?|های?)(?=[ \n{_AFTER}{_BEFORE}]|$)")
_APART_VERB = re.compile(rf"ه(?<=[^ ]ه) (ا(?:م|یم|ش|ند|ی|ید|ت))(?=[ \n{_AFTER}]|$)")
_QUOTED_LOOSELY = re.compile(r'" ([^\n"]+) "')
_POINT_CLOSE = re.compile(rf"([.:])([^ {_AFTER}\d۰-۹])")
_SIGN_CLOSE = re.compile(rf"([!،؛؟»\])}}])([^ {_AFTER}])")
_OPENING_CLOSE = re.compile(rf"[{_BEFORE}](?<=[^ {_BEFORE}][{_BEFORE}])")
_DIGIT = re.compile(r"\d")
_DIGIT_LETTER = re.compile(rf"(\d)([{_LETTERS}])")
_LETTER_DIGIT = re.compile(rf"([{_LETTERS}])(\d)")
_REPEATED = re.compile(rf"([{_LETTERS}])\1{{2,}}")
_REPEATED_WORD = re.compile(rf"[{_LETTERS}]*([{_LETTERS}])\1{{2,}}[{_LETTERS}]*")


def alphabet(text: str) -> str:
    """Replace Arabic, Urdu and Kurdish letters and presentation forms by Persian letters (hazm's table)."""
    return _alphabet()(text)


def style(text: str) -> str:
    """Write quotation marks as guillemets, three dots as …, and the point in numbers as ٫."""
    if '"' in text:
        text = _QUOTED.sub(r"«\1»", text)
    if "." in text:
        text = _POINT.sub(r"\1٫\2", text).replace(" ...", " …").replace("...", " …")
    return text


def digits(text: str) -> str:
    """Write European and Arabic digits and the per cent sign in Persian."""
    return _digits()(text)


def diacritics(text: str) -> str:
    """Remove vowel signs, the tanvin of معمولاً included."""
    return _DIACRITICS.sub("", text)


def spacing(text: str) -> str:
    """Space words and punctuation; what the lexicon knows as one word is glued, as ول کن."""
    lexicon = _lexicon()
    text = "\n".join(_join_words(line, lexicon) if line.strip() else line for line in _trim(text).split("\n"))
    return _space_punctuation(_join_affixes(text))


def symbols(text: str) -> str:
    """Spell out ﷼ and its kind and remove Koranic and other special characters."""
    hint, special, replacements = _specials()
    if hint.search(text):
        for old, new in replacements:
            text = text.replace(old, new)
        text = special.sub("", text)
    return text


def repeats(text: str) -> str:
    """Shorten letters repeated for emphasis, سلامممم to سلام."""
    if not _REPEATED.search(text):
        return text
    words = _lexicon().words
    return _REPEATED_WORD.sub(lambda match: _shorten(match.group(), words), text)


class _Lexicon(NamedTuple):
    """What hazm knows: words, compounds with their half-spaces, what may end one, and endings that end any word."""

    words: frozenset[str]
    compounds: frozenset[str]
    tails: frozenset[str]
    suffixes: frozenset[str]


@cache
def _lexicon() -> _Lexicon:
    return _Lexicon(*(frozenset(text.split("\n")) for text in kept("lexicon", _read_lexicon)))


def _read_lexicon() -> list[str]:
    from hazm.constants import SUFFIXES
    from hazm.lemmatizer import Lemmatizer
    from hazm.utils import words_list

    counts = {word: count for word, count, _ in words_list()}
    known = (*Lemmatizer(joined_verb_parts=False).verbs, *(word for word, count in counts.items() if count > 0))
    compounds = {word for word in known if _HALF_SPACE in word}
    tails = {word[place + 1 :] for word in compounds for place, letter in enumerate(word) if letter == _HALF_SPACE}
    return ["\n".join(sorted(words)) for words in (counts, compounds, tails, SUFFIXES)]


def _read_tables() -> list[Any]:
    from hazm import constants

    ((special, _),) = constants.SPECIAL_CHARS_PATTERNS  # one class of characters
    pairs = [(constants.TRANSLATION_SRC, constants.TRANSLATION_DST), (constants.NUMBERS_SRC, constants.NUMBERS_DST)]
    return [*pairs, special, constants.UNICODE_REPLACEMENTS]


def _trim(text: str) -> str:
    """Take away spaces and half-spaces that are doubled or at an edge, and what lengthens words."""
    text = text[:-1].strip(" ") + "\n" if text.endswith("\n") else text.strip(" ")
    if "  " in text:
        text = _LONG_SPACE.sub(" ", text)
    if "\n\n\n" in text:
        text = _LONG_BREAK.sub("\n\n", text)
    if _HALF_SPACE in text:
        text = _LONG_HALF_SPACE.sub(_HALF_SPACE, text).replace("\u200c ", " ").replace(" \u200c", " ")
        text = _HALF_SPACE_BEFORE.sub("", _HALF_SPACE_BEHIND.sub("", text))
    return text.replace("ـ", "").replace("\r", "")


def _join_words(line: str, lexicon: _Lexicon) -> str:
    """Put one space between tokens, and a half-space between those that are one word in the lexicon."""
    tokens = [token for token in _TOKEN.sub(r" \g<0> ", line.replace("\t", " ")).split(" ") if token]
    words, compounds, tails, suffixes = lexicon
    joined = tokens[:1]
    for token in tokens[1:]:
        glued = token in tails and f"{joined[-1]}\u200c{token}" in compounds
        if glued or (token in suffixes and joined[-1] in words):
            joined[-1] += _HALF_SPACE + token
        else:
            joined.append(token)
    return " ".join(joined)


def _join_affixes(text: str) -> str:
    if "ه ی " in text:
        text = _APART_YE.sub(r"\1‌ی ", text)
    if "می " in text:
        text = _APART_MI.sub(r"\1\2‌", text)
    text = _APART_ENDING.sub(r"‌\1", text)
    if "ه ا" in text:
        text = _APART_VERB.sub(r"ه‌\1", text)
    return text.replace("هها", "ه‌ها")


def _space_punctuation(text: str) -> str:
    if '" ' in text:
        text = _QUOTED_LOOSELY.sub(r'"\1"', text)
    for sign in ".:!،؛؟»])}":
        text = text.replace(f" {sign}", sign)
    for sign in "«[({":
        text = text.replace(f"{sign} ", sign)
    text = _POINT_CLOSE.sub(r"\1 \2", text)
    text = _SIGN_CLOSE.sub(r"\1 \2", text)
    text = _OPENING_CLOSE.sub(r" \g<0>", text)
    if _DIGIT.search(text):
        text = _LETTER_DIGIT.sub(r"\1 \2", _DIGIT_LETTER.sub(r"\1 \2", text))
    return text


def _shorten(word: str, words: frozenset[str]) -> str:
    if word in words:
        return word
    once, twice = _REPEATED.sub(r"\1", word), _REPEATED.sub(r"\1\1", word)
    return once if once in words and twice not in words else twice


@cache
def _tables() -> list[Any]:
    return list(kept("tables", _read_tables))


@cache
def _alphabet() -> Callable[[str], str]:
    return _translation(*_tables()[0])


@cache
def _digits() -> Callable[[str], str]:
    return _translation(*_tables()[1])


def _translation(source: str, target: str) -> Callable[[str], str]:
    """Return a function that replaces characters. Where few are replaced, it is far faster than `str.translate`."""
    table = {old: new for old, new in dict(zip(source, target, strict=False)).items() if old != new}
    pattern = re.compile(f"[{re.escape(''.join(table))}]")
    return lambda text: pattern.sub(lambda match: table[match.group()], text)


@cache
def _specials() -> tuple[re.Pattern[str], re.Pattern[str], list[tuple[str, str]]]:
    special, replacements = _tables()[2:]
    replaced = "".join(filter(str.isalpha, "".join(old for old, _ in replacements))) + "﷽﷼"
    return re.compile(f"{special[:-1]}{replaced}]"), re.compile(special), replacements
