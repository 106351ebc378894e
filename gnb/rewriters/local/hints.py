"""Hints to the decoder: where in a text the lexicon's edits begin."""

import math
from collections import defaultdict
from collections.abc import Callable, Sequence

from gnb.core.lexicon import LEAST_SHARE, Lexicon


def hints_of(
    text: str, lexicon: Lexicon, tokens_of: Callable[[str], list[int]], *, end: int, weight: float
) -> dict[int, dict[int, float]]:
    """Return, by place in a text's tokens, what the first token of each suggested edit gains.

    An edit gains the weight times the logarithm of its share over the least share of an entry, so that the rarest edits
    of the lexicon gain nothing.

    Args:
        text: the text.
        lexicon: suggests edits.
        tokens_of: turns a text into tokens.
        end: the token that ends an answer.
        weight: at least 0.
    """
    source = [*tokens_of(text), end]
    hints: dict[int, dict[int, float]] = defaultdict(dict)
    for suggestion in lexicon.suggest(text):
        edited = [*tokens_of(suggestion.apply(text)), end]
        place = _divergence(source, edited)
        if place is None:
            continue
        gain = weight * math.log(suggestion.share / LEAST_SHARE)
        hints[place][edited[place]] = max(gain, hints[place].get(edited[place], 0.0))
    return hints


def _divergence(first: Sequence[int], second: Sequence[int]) -> int | None:
    return next((place for place, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), None)
