"""Word tokens of hazm, from one tokenizer for the whole process."""

import os
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hazm.word_tokenizer import WordTokenizer


@cache
def word_tokenizer() -> "WordTokenizer":
    """Return the process's one tokenizer; `hazm.word_tokenize` would build another at every call, in half a second.

    hazm 0.12 reads a word list of 3 MB that its tokenizer never looks at, so an empty one gives the same tokens.
    """
    from hazm.word_tokenizer import WordTokenizer

    return WordTokenizer(words_file=Path(os.devnull))


@lru_cache(maxsize=65_536)
def word_tokens(text: str) -> tuple[str, ...]:
    """Return the tokens of a text. Equal texts, such as references, are tokenised once."""
    return tuple(word_tokenizer().tokenize(text))
