"""What a model would put where, read from its logits: the best other word than the copied one, and second choices."""

from math import exp, inf, log1p
from typing import TYPE_CHECKING

from gnb.rewriters.local.rows import TRAIL, Second

if TYPE_CHECKING:
    import torch

_SURE = -log1p(exp(-TRAIL))
"""Log-probability of a first choice, in nats, from which on no second one can trail by less than `TRAIL`."""


def margins(
    logits: "torch.Tensor", copied: "torch.Tensor", stops: "torch.Tensor", is_end: "torch.Tensor"
) -> "tuple[torch.Tensor, torch.Tensor]":
    """Return by how much the best other word leads over the copied one, and that word.

    Where the text ends, any word that ends an answer is copying.

    Args:
        logits: shape (places, words).
        copied: the word that copying would put at each place, shape (places, 1).
        stops: the words that end an answer.
        is_end: whether the text ends at a place, shape (places).
    """
    import torch

    copying = logits.gather(1, copied)[:, 0].where(~is_end, logits[:, stops].amax(-1))
    others = logits.scatter(1, copied, float("-inf"))
    leads, words = torch.where(is_end[:, None], others.index_fill(1, stops, float("-inf")), others).max(-1)
    return leads - copying, words


def second_choices(
    logits: "torch.Tensor", words: "torch.Tensor", chances: "torch.Tensor", ids: "torch.Tensor"
) -> dict[int, Second]:
    """Return, by place, the second choices that trail the first ones by less than `TRAIL`.

    Args:
        logits: shape (places, words).
        words: the first choices, shape (places).
        chances: their log-probabilities, in nats, shape (places).
        ids: the token of each word.
    """
    places = (chances < _SURE).nonzero()[:, 0]
    near, first = logits[places], words[places, None]
    highest, seconds = near.scatter(1, first, -inf).max(-1)
    trails = near.gather(1, first)[:, 0] - highest
    found = zip(places.tolist(), ids[seconds].tolist(), trails.tolist(), strict=True)
    return {place: Second(token, trail) for place, token, trail in found if trail < TRAIL}
