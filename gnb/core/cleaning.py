"""Cleaning: named rules, each a choice, applied in one fixed order.

The careful set, which is the default, takes nothing from a text that a reader could miss: half-spaces, digits, links,
hashtags, @names, vowel signs and emoji sequences stay byte for byte.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal, NamedTuple, Self

from gnb.core import careful_rules, hazm_rules
from gnb.core.atoms import Atom, AtomKind, drop_atoms, hide_atoms, show_atoms
from gnb.core.errors import SettingsError, nearest
from gnb.core.options import Options

RuleSet = Literal["careful", "published", "none"]


class CleaningOptions(Options):
    """Which cleaning rules are on. The order here is the order in which they are applied."""

    links: bool = False
    """Remove links."""
    mails: bool = False
    """Remove mail addresses."""
    mentions: bool = False
    """Remove @names."""
    hashtags: bool = False
    """Remove hashtags."""
    emoji: bool = False
    """Remove emoji, whole sequences at a time."""
    control: bool = True
    """Remove control characters and code points that are no characters."""
    invisible: bool = True
    """Remove invisible characters, such as byte-order and direction marks; half-spaces and emoji stay whole."""
    letters: bool = True
    """Write Arabic ي, ى and ك as Persian ی and ک."""
    kashida: bool = True
    """Remove the stroke ـ that only lengthens a word."""
    alphabet: bool = False
    """Write all Arabic, Urdu and Kurdish letters and presentation forms as Persian letters (hazm)."""
    style: bool = False
    """Write quotation marks as « », three dots as … and the point in numbers as ٫ (hazm)."""
    digits: bool = False
    """Write all digits and the per cent sign in Persian (hazm)."""
    diacritics: bool = False
    """Remove vowel signs, also the tanvin of معمولاً (hazm)."""
    spacing: bool = False
    """Space words and punctuation, and glue what hazm's lexicon knows as one word, also ول کن (hazm)."""
    symbols: bool = False
    """Spell out ﷼ and its kind, remove ﷺ and other special characters (hazm)."""
    repeats: bool = False
    """Shorten letters repeated for emphasis (hazm)."""
    verbs: bool = True
    """Write a half-space after می and نمی where hazm knows the verb."""
    affixes: bool = True
    """Write a half-space before endings that never stand alone, such as های and ترین."""
    half_spaces: bool = True
    """Remove half-spaces that are doubled or lie at the edge of a word."""
    spaces: bool = True
    """Make runs of white space one space, and trim lines and text."""

    @classmethod
    def named(cls, rule_set: RuleSet, changes: Mapping[str, bool] | None = None) -> Self:
        """Return a set of rules by name, with some rules switched otherwise.

        Args:
            rule_set: "careful" is the default set, "published" what the published study did (hazm with all its
                rules, no emoji), "none" no rule at all.
            changes: rules to switch on or off, by name.

        Raises:
            SettingsError: if there is no such rule.
        """
        rules = {name: field.default for name, field in cls.model_fields.items()}
        if rule_set == "published":
            rules |= dict.fromkeys(("emoji", *_HAZM), True)
        elif rule_set == "none":
            rules = dict.fromkeys(rules, False)
        for name in changes or {}:
            if name not in rules:
                known = [rule.replace("_", "-") for rule in rules]
                raise SettingsError(f"There is no rule {name!r}.{nearest(name, known)} Existing: {', '.join(known)}.")
        return cls(**{**rules, **(changes or {})})


class Step(NamedTuple):
    """What one rule did to one text."""

    rule: str
    before: str
    after: str


class Cleaner:
    """Applies the chosen rules to texts. What hazm needs is loaded at the first text that needs it."""

    def __init__(self, options: CleaningOptions) -> None:
        chosen = [name for name in CleaningOptions.model_fields if getattr(options, name)]
        self._drops = [(name, _DROPS[name]) for name in chosen if name in _DROPS]
        self._rules = [(name, _RULES[name]) for name in chosen if name in _RULES]

    def steps(self, text: str) -> Iterator[Step]:
        """Yield a step for each rule that changes the text; the last one's `after` is the clean text."""
        masked, atoms = hide_atoms(text)
        for name, kind in self._drops:
            new, kept = drop_atoms(masked, atoms, kind)
            if len(kept) < len(atoms):
                yield _step(name, masked, atoms, new, kept)
                masked, atoms = new, kept
        for name, apply in self._rules:
            new = apply(masked)
            if new != masked:
                yield _step(name, masked, atoms, new, atoms)
                masked = new

    def clean(self, text: str) -> tuple[str, list[Step]]:
        """Return the clean text and the steps that led to it."""
        steps = list(self.steps(text))
        return (steps[-1].after if steps else text), steps


def parse_rules(pairs: Iterable[str]) -> dict[str, bool]:
    """Read `NAME=on` and `NAME=off` switches.

    Raises:
        SettingsError: if a switch is written otherwise.
    """
    switches: dict[str, bool] = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        if value not in ("on", "off"):
            raise SettingsError(f"--rule {pair!r}: write NAME=on or NAME=off, such as --rule emoji=on.")
        switches[name.strip().replace("-", "_")] = value == "on"
    return switches


def _step(rule: str, before: str, atoms: list[Atom], after: str, kept: list[Atom]) -> Step:
    return Step(rule, show_atoms(before, atoms), show_atoms(after, kept))


_DROPS: dict[str, AtomKind] = {
    "links": "link",
    "mails": "mail",
    "mentions": "mention",
    "hashtags": "hashtag",
    "emoji": "emoji",
}
_RULES: dict[str, Callable[[str], str]] = {
    "control": careful_rules.control,
    "invisible": careful_rules.invisible,
    "letters": careful_rules.letters,
    "kashida": careful_rules.kashida,
    "alphabet": hazm_rules.alphabet,
    "style": hazm_rules.style,
    "digits": hazm_rules.digits,
    "diacritics": hazm_rules.diacritics,
    "spacing": hazm_rules.spacing,
    "symbols": hazm_rules.symbols,
    "repeats": hazm_rules.repeats,
    "verbs": careful_rules.verbs,
    "affixes": careful_rules.affixes,
    "half_spaces": careful_rules.half_spaces,
    "spaces": careful_rules.spaces,
}
_HAZM = ("alphabet", "style", "digits", "diacritics", "spacing", "symbols", "repeats")
