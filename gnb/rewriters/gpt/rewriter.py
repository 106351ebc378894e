"""The `gpt` rewriter: a chat model behind an endpoint, asked for many texts at once."""

from collections.abc import Iterable, Iterator
from threading import Event

from gnb.core.components import Record, Rewriter
from gnb.core.errors import ModelError
from gnb.core.records import Rewrite
from gnb.core.text import has_letters
from gnb.prompting.answers import VERSION
from gnb.prompting.chat import Chat, Message
from gnb.rewriters.gpt.batch import Batches
from gnb.rewriters.gpt.budget import Budget
from gnb.rewriters.gpt.credentials import check_address, whole_characters
from gnb.rewriters.gpt.endpoint import Endpoint
from gnb.rewriters.gpt.options import GptOptions
from gnb.rewriters.gpt.pool import as_completed
from gnb.rewriters.gpt.replies import left_alone, rewrite_of


class GptRewriter(Rewriter):
    """Asks a chat model by a system prompt and examples. What it refuses or garbles stays as it is, with the reason.

    Raises:
        SettingsError: at once, if the address, the prompt or the limit of the cost is wrong.
    """

    options_model = GptOptions
    options: GptOptions

    def __init__(self, options: GptOptions) -> None:
        super().__init__(options)
        check_address(options)
        self._chat = Chat(options)
        self._budget = Budget(options)
        self._endpoint = Endpoint(options)

    def fingerprint(self) -> Record:
        """Return endpoint, model, what it is told, and how it answers; neither key nor speed nor prices."""
        options = self.options
        return {
            "model": options.model,
            "base_url": options.base_url.rstrip("/"),
            **self._chat.fingerprint(),
            "temperature": options.temperature,
            "seed": options.seed,
            "structured": options.structured,
            "max_tokens": options.max_tokens,
            "answers": VERSION,
        }

    def training_keys(self) -> frozenset[str]:
        """Return the keys of the texts that are shown as examples whatever is asked."""
        return self._chat.shots.shown_keys()

    def rewrite(self, texts: Iterable[str]) -> Iterator[Rewrite]:
        """Yield one answer a text, in order."""
        early: dict[int, Rewrite] = {}
        place = 0
        for arrived, answer in self.rewrite_as_completed(texts):
            early[arrived] = answer
            while place in early:
                yield early.pop(place)
                place += 1

    def rewrite_as_completed(self, texts: Iterable[str]) -> Iterator[tuple[int, Rewrite]]:
        """Yield the answers with their texts' places as they arrive.

        Raises:
            ModelError: if the endpoint cannot be used, when what was under way has been answered.
            BudgetError: likewise, if the next request could exceed `max_cost`.
        """
        if self.options.batch:
            return Batches(self._endpoint, self._budget, self.options, self.fingerprint()).answers(texts, self.messages)
        return as_completed(self._answer, texts, self.options.concurrency)

    def messages(self, text: str) -> list[Message]:
        """Return the messages for one text. It is sent as it is: names of control tokens in it are ordinary text."""
        return self._chat.messages(whole_characters(text.strip()))

    def close(self) -> None:
        """Close the connections."""
        self._endpoint.close()

    def _answer(self, text: str, stop: Event) -> Rewrite:
        if not has_letters(text):
            return Rewrite(text)
        messages = self.messages(text)
        try:
            body, retries = self._endpoint.ask(messages, self._budget, stop)
        except ModelError as error:
            left = left_alone(text, error)
            if left is None:
                raise
            return left
        return rewrite_of(text, body, self._budget, self._endpoint.clean, retries)
