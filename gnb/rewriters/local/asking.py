"""How a local language model is asked: with a plain prompt, as the published study does, or with its chat template."""

from functools import cached_property
from typing import TYPE_CHECKING

from gnb.core.components import Record
from gnb.core.errors import SettingsError
from gnb.models.loading import load_tokenizer
from gnb.models.prompt import Prompt, split_template
from gnb.prompting import answers, templates
from gnb.prompting.answers import Answer
from gnb.prompting.chat import Chat
from gnb.rewriters.local.options import LocalOptions
from gnb.rewriters.local.postprocess import clean_answer, runs_away

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

CHAT_PROMPT = "guide-text-1"
"""The system prompt where nobody names one. It asks for the neutral form alone: with the text as its draft, guided
decoding is fast only where an answer begins as its text does."""

_LEAST_ROOM = 16
"""Tokens of a short text and its answer."""


class PlainAsking:
    """Asks with a template that has a place for the text.

    Raises:
        SettingsError: if it has none, or several.
    """

    def __init__(self, template: str) -> None:
        self._template = template
        before, after = split_template(template)
        self._instruction = before.strip()
        self._marker = (after.strip().splitlines() or [""])[-1]

    def fingerprint(self) -> Record:
        """Return the template."""
        return {"prompt": self._template}

    def shown_keys(self) -> frozenset[str]:
        """Return nothing: no examples are shown."""
        return frozenset()

    def prompt(self, tokenizer: "PreTrainedTokenizerBase") -> Prompt:
        """Return the prompt in tokens."""
        return Prompt(self._template, tokenizer)

    def read(self, raw: str, text: str, *, cut: bool) -> Answer:
        """Return what is left of an answer without a model's slips; one that was cut short counts as it is.

        But one that was cut as it went round in circles is none.
        """
        answer = clean_answer(raw, text=text, marker=self._marker, instruction=self._instruction)
        if cut and runs_away(answer):
            return Answer("truncated")
        return Answer("answered", answer) if answer else Answer("empty")


class ChatAsking:
    """Asks with a system prompt and examples, in the words of the model's own chat template.

    Raises:
        UnknownNameError, SettingsError: if there is no such system prompt.
    """

    def __init__(self, options: LocalOptions) -> None:
        name = options.prompt or CHAT_PROMPT
        if "{text}" in name:
            raise SettingsError(
                "A chat template takes as prompt a system prompt, by its name or as a file (.md or .txt), "
                "not a template with {text}. Leave the option prompt, or set template to plain."
            )
        self._options = options
        self._chat = Chat(options.model_copy(update={"prompt": name}), "text")

    def fingerprint(self) -> Record:
        """Return the hashes of prompt, examples and chat template, and how answers are read."""
        return {
            **self._chat.fingerprint(),
            "chat_template": templates.frame_hash(self._chat, self._tokenizer),
            "rendering": templates.VERSION,
            "answers": answers.VERSION,
        }

    def shown_keys(self) -> frozenset[str]:
        """Return the keys of the texts that are shown as examples whatever is asked."""
        return self._chat.shots.shown_keys()

    def prompt(self, tokenizer: "PreTrainedTokenizerBase") -> templates.ChatPrompt:
        """Return the prompt in tokens."""
        return templates.ChatPrompt(self._chat, tokenizer)

    def read(self, raw: str, text: str, *, cut: bool) -> Answer:
        """Return the neutral form, or why there is none: what was cut short, or begins with a thought, is none."""
        if cut:
            return Answer("truncated")
        if raw.lstrip().startswith("<think>") and not text.startswith("<think>"):
            return Answer("malformed")
        return answers.read_answer(raw, text)

    @cached_property
    def _tokenizer(self) -> "PreTrainedTokenizerBase":
        return load_tokenizer(self._options.base_model, self._options.revision)


def check_room(prompt: Prompt, context: int) -> None:
    """Refuse a prompt that leaves no text room in the context.

    Args:
        prompt: the prompt in tokens.
        context: the tokens that prompt and answer may take together.

    Raises:
        SettingsError: saying how much it takes.
    """
    taken = len(prompt.before) + len(prompt.after)
    if taken + _LEAST_ROOM > context:
        raise SettingsError(
            f"The prompt alone takes {taken} tokens, and context_length is {context}. Set context_length to "
            f"{taken + 512} or more, if the model takes it, or show fewer examples (shots)."
        )
