"""Careful spelling rules: what hazm's rules also do, without what damages texts. hazm's own are in `hazm_rules`."""

from functools import cache

import regex

from gnb.core.kept import kept

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
def _verb_forms() -> frozenset[str]:
    """Return hazm's verb forms that begin with می or نمی."""
    return frozenset(kept("verb-forms", _conjugate))


def _conjugate() -> list[str]:
    from hazm.lemmatizer import Conjugation
    from hazm.utils import verbs_list

    conjugation = Conjugation()
    forms = (form for verb in verbs_list() for form in conjugation.get_all(verb))
    return sorted({form for form in forms if form.startswith((f"می{_HALF_SPACE}", f"نمی{_HALF_SPACE}"))})
