"""The messages that ask a chat model for the neutral form of a text."""

import json
from collections.abc import Sequence
from functools import cached_property
from threading import Lock
from typing import Literal, TypedDict

from gnb.core.components import Record
from gnb.prompting.options import PromptOptions
from gnb.prompting.prompts import SystemPrompt, load_prompt
from gnb.prompting.shots import Shot, Shots, build_shots

ANSWER_KEY = "neutral"
"""The key under which the answer's JSON object holds the neutral form."""

Form = Literal["json", "text"]
"""How answers look: an object with that key, or the neutral form alone."""


class Message(TypedDict):
    """One message, as chat templates and chat endpoints take it."""

    role: Literal["system", "user", "assistant"]
    content: str


def chat_messages(system: str, shots: Sequence[Shot], text: str, form: Form = "json") -> list[Message]:
    """Return the system prompt, each shot as a question with its answer in a form, and the text as the last question.

    The text stands alone in its message and as it is, so that no wording around it can be mistaken for it. With the
    same shots, the messages for two texts differ in the last one alone.
    """
    messages: list[Message] = [{"role": "system", "content": system}]
    for shot in shots:
        messages.append({"role": "user", "content": shot.text})
        messages.append({"role": "assistant", "content": answer_json(shot.neutral) if form == "json" else shot.neutral})
    return [*messages, {"role": "user", "content": text}]


def answer_json(neutral: str) -> str:
    """Return the JSON object that answers with a neutral form."""
    return json.dumps({ANSWER_KEY: neutral}, ensure_ascii=False)


class Chat:
    """The prompt and the shots that some options name, loaded when they are needed.

    Args:
        options: name them.
        form: how the answers to the shots look; the prompt should ask for the same.

    Raises:
        UnknownNameError, SettingsError: at once, if there is no such prompt.
    """

    def __init__(self, options: PromptOptions, form: Form = "json") -> None:
        self._options = options
        self._form = form
        self._lock = Lock()
        self.prompt: SystemPrompt = load_prompt(options.prompt)

    @cached_property
    def shots(self) -> Shots:
        """The examples to choose from."""
        options = self._options
        return build_shots(options.shots, options.shot_count, options.shot_source)

    def messages(self, text: str) -> list[Message]:
        """Return the messages for one text. Threads may share this: the first one reads the examples for all."""
        with self._lock:
            shots = self.shots.for_text(text)
        return chat_messages(self.prompt.text, shots, text, self._form)

    def fingerprint(self) -> Record:
        """Return what identifies prompt and shots: the hashes of their contents, whatever they are called."""
        return {"prompt": self.prompt.hash, "shots": self.shots.fingerprint()}
