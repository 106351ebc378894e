"""Cuts a long line into groups of whole sentences, each of which a model judges and rewrites by itself."""

import regex

LONGEST = 250
"""Characters: no text of the bundled corpus, which gnb's models have learnt from, is longer. In a whole paragraph they
overlook a biased sentence."""
GROUP = 120
"""Characters that the sentences of a group have together: about as many as a sentence or two."""
_SENTENCE = regex.compile(r".+?(?:[.!?؟…؛][»”\")\]]*\s+|$)", regex.DOTALL)


def sentence_groups(line: str) -> list[str]:
    """Return a line, or the sentences of one that is longer than `LONGEST` in groups of at most `GROUP` characters.

    A longer sentence is a group of its own. Together the groups are the line: white space stays behind the sentence
    that it follows.
    """
    if len(line) <= LONGEST:
        return [line]
    groups = [""]
    for sentence in _SENTENCE.findall(line):
        if groups[-1] and len(groups[-1]) + len(sentence) > GROUP:
            groups.append("")
        groups[-1] += sentence
    return groups
