"""The part of a model's vocabulary that the task can produce, and an output layer cut down to it.

A multilingual model spends most of a decoded token in its output layer, on words that no Persian answer holds.
"""

from collections.abc import Collection, Iterable
from copy import copy
from typing import TYPE_CHECKING

import regex

from gnb.models.placing import fetched, input_device

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from gnb.models.known_vocabulary import KnownVocabulary

_PIECE = regex.compile(
    r"[\s▁]*(?:[\p{Arabic}\u0600-\u06ff\p{Mn}\p{N}\u200c\u200d«»]+"
    r"|[\p{Emoji_Presentation}\p{Extended_Pictographic}\p{Emoji_Modifier}\p{Regional_Indicator}\ufe0f\u200d]+"
    r"|[\p{P}\p{S}]{1,3}|[\x00-\x7f]?|\N{REPLACEMENT CHARACTER}+|<0x[0-9A-F]{2}>)\s*"
)
"""Persian and Arabic pieces, digits, emoji, punctuation, single ASCII characters, bytes and pieces of bytes."""
RULE = f"2 {_PIECE.pattern}"
"""Names what `task_token_ids` finds; raise the number when that changes, but for the pattern."""
_SPACE, _BYTE_LEVEL_SPACE = "▁", "Ġ"


def task_token_ids(tokenizer: "PreTrainedTokenizerBase") -> list[int]:
    """Return, in order, the ids of the tokens that a Persian answer may need, the end token included.

    What is left out stays reachable where the input holds it (see `OutputLayer.extended`), or byte by byte.
    """
    if (known := _known_vocabulary(tokenizer)) is not None:
        return known.task
    names = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    pieces = _from_byte_level(names) if _is_byte_level(names) else names
    unwanted = set(tokenizer.all_special_ids) - {tokenizer.eos_token_id}
    wanted = {token for token, piece in enumerate(pieces) if _PIECE.fullmatch(piece)} - unwanted
    return sorted(wanted | {tokenizer.eos_token_id})


def line_break_ids(tokenizer: "PreTrainedTokenizerBase") -> set[int]:
    """Return the ids of the tokens that hold a line break."""
    if (known := _known_vocabulary(tokenizer)) is not None:
        return set(known.breaks)
    vocabulary = tokenizer.get_vocab()
    signs = {"\n", "Ċ"} if _is_byte_level(vocabulary) else {"\n"}
    return {token for name, token in vocabulary.items() if not signs.isdisjoint(name)}


def _known_vocabulary(tokenizer: "PreTrainedTokenizerBase") -> "KnownVocabulary | None":
    """Return what is known of a tokenizer without going through its vocabulary."""
    from gnb.models.quick_tokenizer import QuickTokenizer

    return tokenizer.known if isinstance(tokenizer, QuickTokenizer) else None


def _is_byte_level(names: Collection[str]) -> bool:
    """Tell whether a vocabulary's names spell bytes. In others Ġ may be a letter, the Maltese one."""
    return _BYTE_LEVEL_SPACE in names and _SPACE not in names


def _from_byte_level(names: list[str]) -> list[str]:
    """Turn the names of a byte-level vocabulary (GPT-2's alphabet, Llama 3) into the text that they stand for."""
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    byte_of = {letter: byte for byte, letter in bytes_to_unicode().items()}
    return [
        bytes(byte_of[letter] for letter in name).decode("utf-8", "replace")
        if all(letter in byte_of for letter in name)
        else name
        for name in names
    ]


class OutputLayer:
    """A language model's output layer over some tokens only.

    Attributes:
        ids: the token of each row, in order.
    """

    def __init__(self, model: "PreTrainedModel", ids: Iterable[int]) -> None:
        import torch

        head, device = model.get_output_embeddings(), input_device(model)
        self.ids = torch.tensor(sorted(set(ids)), device=device)
        self._model = model
        with fetched(head):
            rows = self.ids.to(head.weight.device)
            self._weights = head.weight[rows].to(device, model.dtype)  # which stored embeddings do not have
            bias = getattr(head, "bias", None)
            self._bias: torch.Tensor | None = None if bias is None else bias[rows].to(device)
        self._softcap: float | None = getattr(model.config, "final_logit_softcapping", None)

    def extended(self, tokens: Iterable[int]) -> "OutputLayer":
        """Return a layer that has rows for further tokens as well, such as those of the inputs at hand."""
        import torch

        if not (further := set(tokens) - set(self.ids.tolist())):
            return self
        joined, added = copy(self), OutputLayer(self._model, further)
        joined.ids, order = torch.cat([self.ids, added.ids]).sort()
        joined._weights = torch.cat([self._weights, added._weights])[order]
        if self._bias is not None and added._bias is not None:
            joined._bias = torch.cat([self._bias, added._bias])[order]
        return joined

    def logits(self, hidden: "torch.Tensor") -> "torch.Tensor":
        """Return the logits over `ids`.

        Args:
            hidden: last hidden states, shape (..., hidden size).
        """
        import torch

        found = torch.nn.functional.linear(hidden, self._weights, self._bias)
        return found if self._softcap is None else torch.tanh(found / self._softcap) * self._softcap

    def positions(self, tokens: "torch.Tensor") -> "torch.Tensor":
        """Return the row of each token; every token must be covered."""
        import torch

        return torch.searchsorted(self.ids, tokens)
