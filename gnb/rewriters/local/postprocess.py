"""From what a model said to the neutral text: each step a function of its own. None removes a letter, digit or emoji.

Raise `VERSION` whenever a step changes, how one of several answers is chosen, which tokens answers may hold, or which
lines are asked about or changed: stored outputs are then made anew.
"""

from functools import partial

import regex

from gnb.core.atoms import restore_atoms

VERSION = 10
_RULE = regex.compile(r"_{4,}")
_SPACES = regex.compile(r"[ \t\u00a0]+")
_RUNAWAY = regex.compile(r"(?:^|\s)(\S++(?:\s++\S++){0,7})(?:\s++\1){2,}(?:\s++\S*)?$")
"""One to eight words three times or more, and perhaps the beginning of one more, at the end."""
_SENTENCE_END = regex.compile(r"(?<=[.!?؟…])\s+")


def clean_answer(raw: str, *, text: str, marker: str, instruction: str) -> str:
    """Apply all steps in their order, but none that would change the text itself.

    What looks like a model's slip is the author's own then, such as a marker, a rule of underlines or a repeated
    sentence in the text; and so a text that is copied comes back as it was.

    Args:
        raw: what the model said behind the prompt, or the prompt and what it said.
        text: what it was asked about: one line, without spaces at its ends.
        marker: what the prompt ends with, such as "متن بدون بایاس جنسیتی:".
        instruction: what the prompt begins with.
    """
    restart = partial(before_restart, marker=marker, instruction=instruction)
    answer = raw
    for step in (partial(after_marker, marker=marker), restart, first_line, fold_spaces, drop_repeats):
        if step(text) == text:
            answer = step(answer)
    return restore_atoms(answer.strip(), text)


def after_marker(raw: str, marker: str) -> str:
    """Return what follows the marker where a model says the prompt again, else everything."""
    if not marker:
        return raw
    head, found, tail = raw.partition(marker)
    return tail if found and (not head.strip() or _RULE.search(head)) else raw


def before_restart(text: str, marker: str, instruction: str) -> str:
    """Cut where a model starts over: at a further marker, instruction or rule of underlines."""
    cuts = [text.find(part) for part in (marker, instruction) if part]
    if rule := _RULE.search(text):
        cuts.append(rule.start())
    return text[: min((cut for cut in cuts if cut >= 0), default=len(text))]


def first_line(text: str) -> str:
    """Return the first line that says something: a text is one line, and so is its answer."""
    lines = text.strip().splitlines()
    return lines[0] if lines else ""


def fold_spaces(text: str) -> str:
    """Turn runs of spaces into one and drop those at the ends; half-spaces stay."""
    folded: str = _SPACES.sub(" ", text)
    return folded.strip(" \t\u00a0\r\n")


def drop_repeats(text: str) -> str:
    """Cut repeated answers: sentences that come again right after themselves, or a text that is one part n times."""
    sentences = _SENTENCE_END.split(text)
    for size in range(1, len(sentences) // 2 + 1):
        unit = sentences[:size]
        if all(sentence == unit[index % size] for index, sentence in enumerate(sentences)):
            return " ".join(unit)
    return text


def runs_away(text: str) -> bool:
    """Tell whether a text ends in the same words over and over, as a model does that finds no end."""
    return bool(_RUNAWAY.search(text))
