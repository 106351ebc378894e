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
def token_line(text: str) -> str:
    """Return the tokens of a text joined by spaces. Equal texts, such as references, are tokenised once."""
    tokens = word_tokenizer().tokenize(text)
    # hazm splits at plain spaces alone; what it leaves inside a token, such as U+00A0, must not split it later.
    return " ".join("_".join(token.split()) or "_" for token in tokens)
