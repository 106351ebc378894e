"""The options of `gpt`."""

from typing import ClassVar, Literal

from pydantic import Field

from gnb.prompting.options import PromptOptions

Structured = Literal["auto", "json_schema", "json_object", "none"]


class GptOptions(PromptOptions):
    """Which model to ask, where, how, and what it may cost. The key itself is never an option."""

    profile_section: ClassVar[str | None] = "gpt"

    model: str = "gpt-4o-mini"
    """The model, as the endpoint calls it."""
    base_url: str = "https://api.openai.com/v1"
    """The endpoint, such as http://localhost:8000/v1; without a user name, a password or a query."""
    api_key_env: str | None = None
    """Name of the environment variable that holds the key. Unset: OPENAI_API_KEY for OpenAI's own endpoint, and no key
    for any other, so that none goes to a stranger."""
    temperature: float | None = Field(0.0, ge=0, le=2)
    """Sampling temperature, 0 to 2; null leaves it to the endpoint, as some models demand."""
    seed: int | None = 0
    """Seed of sampling, where the endpoint knows one; null leaves it out."""
    max_tokens: int = Field(1024, ge=1)
    """Tokens that one answer may have, hidden reasoning included."""
    structured: Structured = "auto"
    """How an answer in JSON is asked for. auto takes json_schema, then json_object, then none, until the endpoint does
    not refuse, and in batches json_schema alone; none leaves it to the prompt."""
    concurrency: int = Field(8, ge=1, le=256)
    """Requests under way at once."""
    timeout: float = Field(120.0, gt=0)
    """Seconds that the endpoint may keep silent."""
    retries: int = Field(6, ge=0, le=20)
    """Further attempts of a request that failed for a reason that may pass."""
    retry_wait: float = Field(1.0, gt=0, le=60)
    """Seconds before the second attempt at most; they double with each one. The endpoint's own word goes first."""
    input_price: float | None = Field(None, ge=0)
    """US dollars for a million tokens of a request."""
    output_price: float | None = Field(None, ge=0)
    """US dollars for a million tokens of an answer."""
    max_cost: float | None = Field(None, ge=0)
    """US dollars that one run may cost at the most; needs both prices. The run stops before the request that could
    exceed it."""
    batch: bool = False
    """Hand in all texts as batches, which take up to a day and cost less, where the endpoint has such a thing."""
    batch_poll: float = Field(30.0, gt=0)
    """Seconds between two looks at a batch."""
