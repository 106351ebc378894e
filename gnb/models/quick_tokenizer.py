"""The embedded model's tokenizer without transformers: reading its whole file takes longer than reading the weights."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from tokenizers import Tokenizer

from gnb.models.embedded import embedded_folder, embedded_tokenizer
from gnb.models.known_vocabulary import KnownVocabulary, embedded_vocabulary, is_plain_text


class QuickTokenizer:
    """Does what the tokenizer of transformers does, which it turns to for all that it does not know itself.

    A small part of the vocabulary does for most Persian texts; the whole file is read for the first text that needs it.

    Attributes:
        known: what is known of the vocabulary.
        bos_token_id, eos_token_id, pad_token_id: the tokens that begin and end a text and fill a row.
        padding_side: on which side rows are filled.
        chat_template: None, as the embedded model has none.
    """

    padding_side = "left"
    chat_template = None

    def __init__(self) -> None:
        self.known: KnownVocabulary = embedded_vocabulary()
        self.bos_token_id = self.known.special["bos_token_id"]
        self.eos_token_id = self.known.special["eos_token_id"]
        self.pad_token_id = self.known.special["pad_token_id"]
        self._small = Tokenizer.from_str(self.known.small)
        self._small_ids = set(self._small.get_vocab().values())

    def __len__(self) -> int:
        return self.known.size

    def __call__(
        self, text: str, *, add_special_tokens: bool = True, split_special_tokens: bool = False
    ) -> dict[str, list[int]]:
        """Return the tokens of a text as `input_ids`.

        Args:
            text: the text.
            add_special_tokens: whether the token that begins a text stands in front.
            split_special_tokens: whether names of special tokens in a text are ordinary text.
        """
        tokenizer = self._small if is_plain_text(text) else self._whole
        tokenizer.encode_special_tokens = split_special_tokens
        return {"input_ids": tokenizer.encode(text, add_special_tokens=add_special_tokens).ids}

    def batch_decode(self, rows: Sequence[Sequence[int]], *, skip_special_tokens: bool = False) -> list[str]:
        """Return the text of each row of tokens."""
        tokenizer = self._small if all(map(self._small_ids.issuperset, rows)) else self._whole
        return [tokenizer.decode(list(row), skip_special_tokens=skip_special_tokens) for row in rows]

    def __getattr__(self, name: str) -> Any:
        return getattr(embedded_tokenizer(), name)

    @cached_property
    def _whole(self) -> Tokenizer:
        return Tokenizer.from_file(str(embedded_folder() / "tokenizer.json"))
