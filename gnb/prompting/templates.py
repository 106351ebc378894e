"""A model's own chat template around the messages that ask for the neutral form of a text."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gnb.core.errors import ModelError, first_line
from gnb.core.fingerprint import hash_texts
from gnb.models.prompt import Prompt
from gnb.prompting.chat import Chat, Message

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

VERSION = 1
"""Raise it whenever the same messages and template would become other tokens."""
_MARK = re.compile("\ue000([0-9]+)\ue001")
_SETTINGS = {"enable_thinking": False, "date_string": "26 Jul 2024"}
"""What templates read besides the messages: no hidden reasoning (Qwen 3), and one day for all runs where Llama 3.2
would put today's date into the prompt; the day is the one that Llama 3.1 falls back on."""


class ChatPrompt(Prompt):
    """The prompt of a chat model in tokens: what stands before the text, the text, what stands after it.

    All contents are tokenised apart from the template, so that the names of control tokens in them stay ordinary text.

    Args:
        chat: says what to ask.
        tokenizer: brings the template.

    Raises:
        ModelError: if the tokenizer has no chat template, or one that cannot be used.
    """

    is_long = True

    def __init__(self, chat: Chat, tokenizer: "PreTrainedTokenizerBase") -> None:
        self.tokenizer = tokenizer
        self.is_shared = chat.shots.are_shared
        self.end = _turn_end(tokenizer)
        self._chat = chat
        self.before, self.after = self._render("")

    def around(self, text: str) -> tuple[list[int], list[int]]:
        """Return the tokens before and after a text; examples chosen for it are among the former."""
        return (self.before, self.after) if self.is_shared else self._render(text)

    def _render(self, text: str) -> tuple[list[int], list[int]]:
        messages = self._chat.messages(text)
        *pieces, last = _render(self.tokenizer, messages, asks=True)
        parts = [part for piece, message in zip(pieces, messages, strict=True) for part in (piece, message["content"])]
        before = [
            token
            for place, part in enumerate(parts[:-1])  # without the text itself
            for token in (self.tokens_of(part.strip()) if place % 2 else _template_tokens(self.tokenizer, part))
        ]
        return before, _template_tokens(self.tokenizer, last)


def frame_hash(chat: Chat, tokenizer: "PreTrainedTokenizerBase") -> str:
    """Return the hash of all that a template puts around the contents of a chat's messages.

    Raises:
        ModelError: as `ChatPrompt`.
    """
    return hash_texts(_render(tokenizer, chat.messages(""), asks=True))


def _turn_end(tokenizer: "PreTrainedTokenizerBase") -> int:
    """Return the token that ends a turn of the model, such as `<|eot_id|>`; the end token if the template has none."""
    turn: list[Message] = [{"role": "user", "content": ""}, {"role": "assistant", "content": ""}]
    *_, behind = _render(tokenizer, turn, asks=False)
    first = _template_tokens(tokenizer, behind)[:1]
    end: int = first[0] if first and first[0] in tokenizer.added_tokens_decoder else tokenizer.eos_token_id
    return end


def _template_tokens(tokenizer: "PreTrainedTokenizerBase", piece: str) -> list[int]:
    found: list[int] = tokenizer(piece, add_special_tokens=False)["input_ids"]
    return found


def _render(tokenizer: "PreTrainedTokenizerBase", messages: Sequence[Message], *, asks: bool) -> list[str]:
    """Return what a template puts before, between and behind the contents of the messages.

    Args:
        tokenizer: brings the template.
        messages: their contents are not looked at.
        asks: whether the model is to answer them.

    Raises:
        ModelError: if the template refuses the messages, or shows not all of them once and in order.
    """
    if not tokenizer.chat_template:
        raise ModelError(
            f"The model {tokenizer.name_or_path!r} has no chat template, so it is no chat model. "
            "Set template to plain, or base_model to an instruction-tuned model."
        )
    marked = [{**message, "content": f"\ue000{place}\ue001"} for place, message in enumerate(messages)]
    reason = "it does not show every message"
    for attempt in (marked, _without_system(marked)):
        try:
            shown = _shown(tokenizer, attempt, asks=asks)
        except Exception as error:  # a template is a program of its own, and may raise anything
            reason = first_line(error)
            continue
        pieces = _MARK.split(shown)
        if pieces[1::2] == [str(place) for place in range(len(messages))]:
            return _checked(tokenizer, pieces[::2])
    raise ModelError(
        f"The chat template of {tokenizer.name_or_path!r} cannot be used: {reason}. Set template to plain."
    )


def _shown(tokenizer: "PreTrainedTokenizerBase", messages: list[dict[str, Any]], *, asks: bool) -> str:
    shown: str = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=asks, **_SETTINGS)
    return shown


def _without_system(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put the system prompt in front of the first question: the templates of Gemma 2 and Mistral know no such role."""
    if messages[0]["role"] != "system":
        return messages
    system, first, *others = messages
    return [{**first, "content": f"{system['content']}\n\n{first['content']}"}, *others]


def _checked(tokenizer: "PreTrainedTokenizerBase", pieces: list[str]) -> list[str]:
    """Refuse a template that makes the model think aloud before it answers: its answer would not be the text alone."""
    if "<think>" in pieces[-1] and "</think>" not in pieces[-1]:
        raise ModelError(
            f"The model {tokenizer.name_or_path!r} always thinks aloud before it answers. "
            "Serve it, and ask it through the rewriter gpt, which reads past its thoughts."
        )
    return pieces
