"""The careful rules, which take nothing from a text that a reader could miss. hazm's own are in `hazm_rules`."""

from functools import cache

import regex

from gnb.core.kept import kept

_CONTROL = regex.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\p{Noncharacter_Code_Point}\p{Cs}]")
# A joiner after an Arabic letter shapes it, as in ه‍.ش; elsewhere only emoji need one, and those are hidden by now.
_INVISIBLE = regex.compile(
    r"[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe0e\ufe0f\ufeff\ufff9-\ufffb"
    r"\U000e0000-\U000e007f]|(?<!\p{Arabic})\u200d"
)
_HALF_SPACES = regex.compile(r"(?<![\p{L}\p{M}\p{N}_\u200c])\u200c+|\u200c+(?![\p{L}\p{N}_\u200c])|(?<=\u200c)\u200c+")
_KASHIDA = regex.compile(r"(?<=[\p{Lo}\p{M}])ـ+")
_BREAK_RUN = regex.compile(r"\n{3,}")

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


def control(text: str) -> str:
    """Remove control characters, lone surrogates and noncharacters; tabs and line ends are left to `spaces`."""
    if text.replace("\u200c", "").isprintable():  # a cheap look that spares most texts the expression
        return text
    return str(_CONTROL.sub("", text))


def invisible(text: str) -> str:
    """Remove characters that show nothing, apart from half-spaces and joiners after Arabic letters."""
    return str(_INVISIBLE.sub("", text))


def letters(text: str) -> str:
    """Write the letters of Arabic keyboards, ي ى ك, as their Persian twins."""
    return text.replace("ي", "ی").replace("ى", "ی").replace("ك", "ک")  # far faster than `translate`


def kashida(text: str) -> str:
    """Remove ـ after a letter; the one that stands before an ending, as in ـها, stays."""
    return str(_KASHIDA.sub("", text))


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


def half_spaces(text: str) -> str:
    """Remove half-spaces with no letter, digit or underscore on both sides, and all but one of several."""
    return str(_HALF_SPACES.sub("", text)) if "\u200c" in text else text


def spaces(text: str) -> str:
    """Make runs of white space one space and at most one blank line, and trim lines and text."""
    trimmed = "\n".join(" ".join(line.split()) for line in text.split("\n"))
    return (_BREAK_RUN.sub("\n\n", trimmed) if "\n\n\n" in trimmed else trimmed).strip()


def _join_verb(match: regex.Match[str]) -> str:
    joined = f"{match[1]}{_HALF_SPACE}{match[2]}"
    return joined if joined in _verb_forms() else match[0]


@cache
def _verb_forms() -> frozenset[str]:
    """Return hazm's verb forms that begin with می or نمی."""
    return frozenset(kept("verb-forms", _conjugate))


def _conjugate() -> list[str]:
    from hazm.lemmatizer import Conjugation
    from hazm.utils import verbs_list

    conjugation = Conjugation()
    forms = (form for verb in verbs_list() for form in conjugation.get_all(verb))
    return sorted({form for form in forms if form.startswith((f"می{_HALF_SPACE}", f"نمی{_HALF_SPACE}"))})
