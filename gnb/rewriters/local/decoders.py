"""Picks the decoder that fits a model: one for batches, or one for a few texts."""

from collections.abc import Callable, Sequence
from itertools import batched
from math import inf

from gnb.models.loading import LoadedModel
from gnb.models.prompt import Prompt
from gnb.models.quick import is_quick
from gnb.models.vocabulary import task_token_ids
from gnb.rewriters.local.decoding import GuidedDecoder
from gnb.rewriters.local.options import LocalOptions
from gnb.rewriters.local.rows import FIRST_DRAFT, Decoded, Frame
from gnb.rewriters.local.single import SingleDecoder

Decoder = GuidedDecoder | SingleDecoder


def build_decoder(loaded: LoadedModel, prompt: Prompt, stop: frozenset[int], options: LocalOptions) -> Decoder:
    """Return a decoder over the tokens that an answer may hold.

    Args:
        loaded: the model.
        prompt: what stands around every text.
        stop: tokens that end an answer.
        options: which output layer, and how much copying gains.
    """
    tokens = set(range(len(loaded.tokenizer)))
    if options.output_layer == "task":
        tokens = {*task_token_ids(loaded.tokenizer), *stop, *prompt.before, *prompt.after}
    frame = Frame(tokens, prompt.before, prompt.after, stop, prompt.end, options.copy_bonus)
    build: Callable[..., Decoder] = SingleDecoder if is_quick(loaded) else GuidedDecoder
    return build(loaded.model, frame)


def decode_changed(
    decoder: Decoder, sources: Sequence[Sequence[int]], limits: Sequence[int], others: int = 0
) -> list[Decoded]:
    """Answer texts that are to change; one that is copied by greedy decoding, with the change that leads most.

    The first drafts are short, as most of a whole text would be rejected behind its first change. A bonus on copying
    and hints count where something is drafted: with them the answers could be others than those of whole drafts.

    Args:
        decoder: what answers.
        sources: the tokens of each text.
        limits: how many tokens each answer may have at the most.
        others: as `GuidedDecoder.decode` takes it.
    """
    found = decoder.decode(sources, limits, first_draft=FIRST_DRAFT, others=others)
    copied = [place for place, source in enumerate(sources) if found[place].tokens == list(source)]
    for part in batched(copied, len(sources) // 2 + 1):  # whole drafts take twice the room
        texts, rooms = [sources[place] for place in part], [limits[place] for place in part]
        again = decoder.decode(texts, rooms, -inf, others=others)
        for place, answer in zip(part, again, strict=True):
            found[place] = answer
    return found
