"""Makes of the tokens that a model answered the rewrites of lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from gnb.core.records import Rewrite
from gnb.prompting.answers import REASONS
from gnb.rewriters.local.asking import ChatAsking, PlainAsking
from gnb.rewriters.local.doubts import Weighed, without_doubtful
from gnb.rewriters.local.lines import Line
from gnb.rewriters.local.rows import MARGIN_DIGITS

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from gnb.rewriters.local.rows import Decoded


@dataclass(frozen=True, slots=True)
class Finisher:
    """Reads answers.

    Attributes:
        asking: how the model was asked.
        tokenizer: that of the model.
        least: the probability from which an edit is kept, 0 to 1 (see `without_doubtful`).
    """

    asking: PlainAsking | ChatAsking
    tokenizer: "PreTrainedTokenizerBase"
    least: float

    def finish(self, lines: Sequence[Line], decoded: "Sequence[Decoded]") -> dict[str, Rewrite]:
        """Return the rewrite of each line, by its text."""
        raws = self.tokenizer.batch_decode([each.tokens for each in decoded], skip_special_tokens=True)
        return {line.text: self._finish(line, raw, each) for line, raw, each in zip(lines, raws, decoded, strict=True)}

    def _finish(self, line: Line, raw: str, decoded: "Decoded") -> Rewrite:
        details: dict[str, Any] = {"tokens": len(decoded.tokens)}
        if decoded.margin is not None:
            details["margin"] = round(decoded.margin, MARGIN_DIGITS)
        if decoded.tokens == line.tokens:
            return Rewrite(line.text, raw, details=details)
        body = line.text.strip()
        answer = self.asking.read(raw, body, cut=len(decoded.tokens) >= line.limit)
        if answer.outcome != "answered":
            return Rewrite(line.text, raw, fallback=True, details={**details, "reason": REASONS[answer.outcome]})
        weighed = self._weigh(body, answer.text, raw, decoded)
        if weighed.chance is not None:
            details["edit_probability"] = round(weighed.chance, 4)
        lead, _, tail = line.text.partition(body)
        return Rewrite(lead + weighed.text + tail, raw, details=details)

    def _weigh(self, body: str, answer: str, raw: str, decoded: "Decoded") -> Weighed:
        """Weigh the edits of an answer that stands in the raw one as it is; else its tokens are not known."""
        start = raw.find(answer)
        if decoded.chances is None or start < 0:
            return Weighed(answer, None)
        return without_doubtful(
            body, answer, [end - start for end in self._ends(decoded.tokens)], decoded.chances, self.least
        )

    def _ends(self, tokens: list[int]) -> list[int]:
        """Return where in the text each token ends; the parts of a character end where it does."""
        beginnings = [tokens[: count + 1] for count in range(len(tokens))]
        lengths = [len(text) for text in self.tokenizer.batch_decode(beginnings, skip_special_tokens=True)]
        # a part of a character is a text of its own, and several may be longer than the character
        return list(accumulate(reversed(lengths), min))[::-1]
