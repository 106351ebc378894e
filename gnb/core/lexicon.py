"""A lexicon of edits, mined from texts and their neutral forms: which words are replaced by which, and how often.

A phrase table as in statistical machine translation (Koehn, Och & Marcu 2003, "Statistical Phrase-Based Translation"),
reduced to the edits: what is kept needs no entry.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import regex

from gnb.core.edits import Edit, edits
from gnb.core.errors import InputError
from gnb.core.records import Example
from gnb.core.text import comparison_key

_WORD = regex.compile(r"[\w\u200c]+|[^\w\s]")
_JOINED_START = regex.compile(r"\u200c[\w\u200c]+")
_JOINED_END = regex.compile(r"[\w\u200c]+\u200c$")
_LONGEST = 4
"""Words that an entry may replace."""
_LEAST_COUNT = 2
LEAST_SHARE = 0.02
"""The smallest share that an entry may have."""
_STOP = regex.compile(r"[.،؛!؟»]|$")
_HEADER = "words\treplacement\tshare"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An edit that an entry suggests in a text.

    Attributes:
        start: the first character that it replaces.
        end: the character behind the last.
        replacement: what it puts there; empty for words that are dropped.
        share: how often the words were replaced so, among their occurrences in biased training texts, 0 to 1.
    """

    start: int
    end: int
    replacement: str
    share: float

    def apply(self, text: str) -> str:
        """Return the text with this edit made, and without spaces that it would leave over."""
        before, after = text[: self.start], text[self.end :]
        if not self.replacement:
            # one of the two spaces around what is dropped, and the one before a stop or the end, go with it
            before, after = (before, after.lstrip(" ")) if before.endswith(" ") or not before else (before, after)
            before = before.rstrip(" ") if _STOP.match(after) else before
        return before + self.replacement + after


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Replacements with their shares (at least `LEAST_SHARE`), by the folded words that they replace."""

    entries: Mapping[str, Mapping[str, float]]

    def suggest(self, text: str) -> Iterator[Suggestion]:
        """Yield the edits that the entries suggest in a text, from left to right."""
        for start, end in _phrases(text):
            for replacement, share in self.entries.get(comparison_key(text[start:end]), {}).items():
                yield Suggestion(start, end, replacement, share)

    def save(self, path: Path) -> None:
        """Write the entries as tab-separated lines with a header, sorted."""
        rows = [
            f"{words}\t{replacement}\t{share:.3f}"
            for words, found in sorted(self.entries.items())
            for replacement, share in found.items()
        ]
        path.write_text("\n".join([_HEADER, *rows, ""]), "utf-8")


def load_lexicon(path: Path) -> Lexicon:
    """Read what `Lexicon.save` wrote.

    Raises:
        InputError: naming the line that is not an entry.
    """
    entries: dict[str, dict[str, float]] = defaultdict(dict)
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        try:
            words, replacement, share = line.decode("utf-8").split("\t") if line else ("", "", "0")
            if line and number > 1:
                entries[words][replacement] = _share(share)
        except ValueError:
            raise InputError(
                f"{path}:{number}: an entry is words, replacement and share (above 0, at most 1), with tabs between."
            ) from None
    return Lexicon(entries)


def _share(text: str) -> float:
    share = float(text)
    if not 0 < share <= 1:
        raise ValueError(text)
    return share


def mine_lexicon(examples: Iterable[Example]) -> Lexicon:
    """Collect the edits from biased texts to their first references: those seen twice and not too rare."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    biased = [example for example in examples if example.biased is not False and example.references]
    for example in biased:
        reference = example.references[0]
        for source, target in map(partial(_whole_words, example.text, reference), edits(example.text, reference)):
            if words := comparison_key(source):
                counts[words][" ".join(target.split())] += 1
    seen = Counter(
        words
        for example in biased
        for words in {comparison_key(example.text[start:end]) for start, end in _phrases(example.text)}
        if words in counts
    )
    shares = {
        words: {
            replacement: count / (seen[words] + 1)
            for replacement, count in sorted(found.items(), key=lambda item: (-item[1], item[0]))
            if count >= _LEAST_COUNT and count >= LEAST_SHARE * (seen[words] + 1)
        }
        for words, found in counts.items()
    }
    return Lexicon({words: found for words, found in shares.items() if found and seen[words]})


def _whole_words(source: str, target: str, edit: Edit) -> tuple[str, str]:
    """Return what an edit replaces and by what, with the rest of words of which it changes a part, such as «ها»."""
    before = _JOINED_END.search(source, 0, edit.source_start)
    after = _JOINED_START.match(source, edit.source_end)
    head = before.group() if before and edit.source_start < edit.source_end else ""
    tail = after.group() if after and edit.source_start < edit.source_end else ""
    return (
        head + source[edit.source_start : edit.source_end] + tail,
        head + target[edit.target_start : edit.target_end] + tail,
    )


def _phrases(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of every run of up to a few words."""
    words = [match.span() for match in _WORD.finditer(text)]
    for first in range(len(words)):
        for last in range(first, min(first + _LONGEST, len(words))):
            yield words[first][0], words[last][1]
