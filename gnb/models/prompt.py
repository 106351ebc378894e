"""The prompt: the published Persian one by default, any other as a setting."""

from typing import TYPE_CHECKING

from gnb.core.errors import ModelError, SettingsError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

MARKER = "متن بدون بایاس جنسیتی:"
PUBLISHED = f"این متن را بدون بایاس جنسیتی کن و بایاس جنسیتی آن را از بین ببر:\n{{text}}\n________\n{MARKER}\n"
"""The published study's prompt: instruction, text, eight underlines, marker; the answer follows on its own line."""


class Prompt:
    """A template in tokens: what stands before the text, the text, what stands after it.

    The three are tokenised apart, so that the part before is the same for all texts and the text's own tokens can
    serve as a draft of the answer. Training and rewriting share this, so both see the same tokens.

    Attributes:
        before, after: what stands around every text.
        end: the token that a model says where it has finished.
        is_shared: whether all texts have the same around them, and something in front of them.
        is_long: whether what stands before a text counts when a batch is filled.

    Raises:
        SettingsError: unless `{text}` stands in the template exactly once.
        ModelError: if the tokenizer has no end token.
    """

    is_long = False

    def __init__(self, template: str, tokenizer: "PreTrainedTokenizerBase") -> None:
        before, after = split_template(template)
        self.tokenizer = tokenizer
        self.before: list[int] = tokenizer(before)["input_ids"]
        self.after: list[int] = self.tokens_of(after)
        self.is_shared = bool(self.before)
        self.end = _end_token(tokenizer)

    def tokens_of(self, text: str) -> list[int]:
        """Return a text's tokens. Names of special tokens inside it, such as `<eos>`, stay ordinary text."""
        return text_tokens(self.tokenizer, text)

    def around(self, text: str) -> tuple[list[int], list[int]]:
        """Return the tokens before and after a text."""
        return self.before, self.after

    def encode(self, text: str) -> list[int]:
        """Return the tokens of the whole prompt for one text."""
        before, after = self.around(text)
        return before + self.tokens_of(text) + after


def _end_token(tokenizer: "PreTrainedTokenizerBase") -> int:
    end: int | None = tokenizer.eos_token_id
    if end is None:
        raise ModelError(f"The model {tokenizer.name_or_path!r} has no end token: it is none that writes answers.")
    return end


def text_tokens(tokenizer: "PreTrainedTokenizerBase", text: str) -> list[int]:
    """Return the tokens of a text alone; names of special tokens inside it, such as `<eos>`, stay ordinary text.

    Halves of surrogate pairs, which JSON can carry, are no characters and become U+FFFD: no tokenizer takes them.
    """
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    found: list[int] = tokenizer(whole, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    return found


def split_template(template: str) -> tuple[str, str]:
    """Return what a template puts before and after the text.

    Raises:
        SettingsError: unless `{text}` stands in it exactly once.
    """
    before, found, after = template.partition("{text}")
    if not found or "{text}" in after:
        raise SettingsError(f"The prompt template must hold {{text}} exactly once: {template!r}.")
    return before, after
