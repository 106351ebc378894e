"""A text as lines, long ones as groups of sentences, each rewritten by itself, and the answers put together again."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from gnb.core.records import Rewrite
from gnb.core.sentences import sentence_groups
from gnb.core.text import has_persian_letters


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a text, or some sentences of a long one: the unit that the model sees.

    Attributes:
        text: the line.
        tokens: the tokens of the line without the spaces around it.
        before, after: the tokens of the prompt around it.
        limit: how many tokens its answer may have; 0 if it leaves no room in the context for an answer of its length.
    """

    text: str
    tokens: list[int]
    before: list[int]
    after: list[int]
    limit: int

    @property
    def prompt(self) -> list[int]:
        """The tokens of the whole prompt."""
        return self.before + self.tokens + self.after


def worded_lines(text: str) -> list[str]:
    """Return the lines of a text that hold a Persian letter: those that a model is asked about. Long ones are cut."""
    return list(filter(has_persian_letters, _parts(text)))


def _parts(text: str) -> Iterator[str]:
    """Yield the lines of a text, those that are long in groups of sentences, and the line breaks between them."""
    for line in text.splitlines(keepends=True):
        body = line.splitlines()[0]
        yield from sentence_groups(body)
        yield line[len(body) :]


def is_answered(text: str, answers: Mapping[str, Rewrite]) -> bool:
    """Tell whether each line of a text that a model is asked about has its answer."""
    return all(line in answers for line in worded_lines(text))


def join_lines(text: str, answers: Mapping[str, Rewrite]) -> Rewrite:
    """Put the answers to a text's lines together, with its line breaks and the lines that were not asked about."""
    found = [answers.get(part, Rewrite(part)) for part in _parts(text)]
    raws = [answer.raw for answer in found if answer.raw is not None]
    details = _join_details([answer.details for answer in found])
    joined = "".join(answer.text for answer in found)
    return Rewrite(joined, "\n".join(raws) if raws else None, any(answer.fallback for answer in found), details)


def _join_details(lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what is known of a text: of its most biased line, with all tokens and the least sure of all edits."""
    if not lines:
        return {}
    worst = max(lines, key=lambda line: (line.get("probability", 0.0), line.get("margin", -inf)))
    joined = dict(worst)
    if tokens := [line["tokens"] for line in lines if "tokens" in line]:
        joined["tokens"] = sum(tokens)
    if chances := [line["edit_probability"] for line in lines if "edit_probability" in line]:
        joined["edit_probability"] = min(chances)
    return joined


def in_batches(lines: Iterable[Line], fits: Callable[[list[Line]], bool]) -> Iterator[list[Line]]:
    """Group lines of similar length, the longest first, into batches that fit; a line that fits nowhere goes alone.

    Args:
        lines: what is to be answered.
        fits: tells whether lines, the longest first, may be one batch; asked anew for each.
    """
    batch: list[Line] = []
    for line in sorted(lines, key=lambda line: -len(line.tokens)):
        if batch and not fits([*batch, line]):
            yield batch
            batch = []
        batch.append(line)
    if batch:
        yield batch
