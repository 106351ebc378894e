"""Cost: time, tokens, memory and money, as they were noted when the answers were made."""

from collections.abc import Mapping, Sequence
from typing import Any

from gnb.core.components import Column, Counts, Metric, Record, Scores
from gnb.core.metering import MEMORY, SECONDS
from gnb.core.records import Segment
from gnb.metrics.counting import ratio

MONEY, TOKENS, PROMPT_TOKENS = "cost", "tokens", "prompt_tokens"
"""Details that rewriters note themselves: US dollars, tokens written, tokens read."""


class CostMetric(Metric):
    """Adds up what the answers took, on the machine and in the run that made them; stored answers keep their cost.

    Texts that were answered together share their seconds equally, so that some of them have a sensible speed too.
    """

    details_read = (SECONDS, MEMORY, TOKENS, PROMPT_TOKENS, MONEY)
    columns: Sequence[Column] = (
        Column("speed", "texts/s", best=""),
        Column("tokens", "tokens/text", best="", digits=1),
        Column("memory", "peak GB", best=""),
        Column("money", "cost $", best="", digits=4),
    )

    def fingerprint(self) -> Record:
        """Return the name and the version of the rule."""
        return {"metric": "cost", "version": 1}

    def count(self, segments: Sequence[Segment]) -> list[Counts]:
        """Take the numbers that were noted of each answer; a plugin may note something else under such a name."""
        return [_numbers(segment.details, self.details_read) for segment in segments]

    def score(self, counts: Sequence[Counts]) -> Scores:
        """Return texts a second, models' loading included, tokens written a text, peak memory in GB, and US dollars.

        What no answer noted is None. `seconds` and `prompt_tokens` are sums over all texts.
        """
        seconds, tokens = _total(counts, SECONDS), _total(counts, TOKENS)
        timed = sum(SECONDS in count for count in counts)
        memory = [count[MEMORY] for count in counts if MEMORY in count]
        return {
            "speed": ratio(timed, seconds or 0.0),
            "tokens": None if tokens is None else tokens / len(counts),
            "memory": max(memory) / 1e9 if memory else None,
            "money": _total(counts, MONEY),
            "seconds": seconds,
            "prompt_tokens": _total(counts, PROMPT_TOKENS),
        }


def _total(counts: Sequence[Counts], key: str) -> float | None:
    noted = [count[key] for count in counts if key in count]
    return sum(noted) if noted else None


def _numbers(details: Mapping[str, Any], keys: Sequence[str]) -> dict[str, float]:
    found = {key: details[key] for key in keys if key in details}
    return {
        key: value for key, value in found.items() if isinstance(value, int | float) and not isinstance(value, bool)
    }
