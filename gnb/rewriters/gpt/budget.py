"""What a run may cost: each request is let through only if it cannot exceed it."""

from collections.abc import Iterable, Mapping
from threading import Condition
from typing import Any

from gnb.core.errors import GnbError, SettingsError
from gnb.rewriters.gpt.options import GptOptions

_OVERHEAD = 32
"""Tokens that a chat template puts around one message at the most."""
_MOST_TOKENS = 10**9
"""A count above it is none."""


class BudgetError(GnbError):
    """The next request could exceed what the run may cost."""


class Budget:
    """Prices, and the money spent and reserved, in US dollars. Threads may share it.

    Raises:
        SettingsError: if there is a limit without prices.
    """

    def __init__(self, options: GptOptions) -> None:
        if options.max_cost is not None and None in (options.input_price, options.output_price):
            raise SettingsError(
                "max_cost needs the prices, in US dollars for a million tokens: -o gpt.input_price=… and"
                " -o gpt.output_price=… (0 for a model that costs nothing)."
            )
        self._options = options
        self._spent = 0.0
        self._reserved: list[float] = []
        self._settled = Condition()

    def cost(self, prompt_tokens: int, tokens: int) -> float | None:
        """Return what a request cost; None if the prices are not known."""
        options = self._options
        if options.input_price is None or options.output_price is None:
            return None
        return (prompt_tokens * options.input_price + tokens * options.output_price) / 1e6

    def bound(self, contents: Iterable[str]) -> float:
        """Return what a request of these messages can cost at the most: no tokenizer makes more tokens than bytes."""
        prompt = sum(len(content.encode()) + _OVERHEAD for content in contents)
        return self.cost(prompt, self._options.max_tokens) or 0.0

    def reserve(self, bound: float) -> None:
        """Set money aside for a request. Waits while others, once they are settled, may leave enough.

        Raises:
            BudgetError: if they cannot.
        """
        limit = self._options.max_cost
        with self._settled:
            while limit is not None and self._spent + sum(self._reserved) + bound > limit:
                if not self._reserved:
                    raise BudgetError(
                        f"Stopped before max_cost, ${limit:g}, could be exceeded: ${self._spent:.4f} are spent, and the"
                        f" next request may cost up to ${bound:.4f}. Raise it to go on; `gnb compare` keeps what was"
                        " answered."
                    )
                self._settled.wait()
            self._reserved.append(bound)

    def settle(self, bound: float, spent: float) -> None:
        """Give back what was set aside for a request, and book what it cost."""
        with self._settled:
            self._reserved.remove(bound)
            self._spent += spent
            self._settled.notify_all()


def usage_of(body: Mapping[str, Any], budget: Budget) -> dict[str, Any]:
    """Return the tokens read and written, and the cost in US dollars, as far as a completion tells them."""
    usage = body.get("usage")
    if not isinstance(usage, Mapping):
        return {}
    read, written = _tokens(usage.get("prompt_tokens")), _tokens(usage.get("completion_tokens"))
    if read is None or written is None:
        return {}
    cost = budget.cost(read, written)
    return {"prompt_tokens": read, "tokens": written} | ({} if cost is None else {"cost": cost})


def _tokens(count: object) -> int | None:
    return max(0, count) if isinstance(count, int) and count <= _MOST_TOKENS else None
