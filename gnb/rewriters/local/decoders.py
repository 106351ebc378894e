"""Picks the decoder that fits a model: one for batches, or one for a few texts."""

from collections.abc import Callable, Sequence
from math import inf

from gnb.models.loading import LoadedModel
from gnb.models.prompt import Prompt
from gnb.models.quick import is_quick
from gnb.models.vocabulary import task_token_ids
from gnb.rewriters.local.decoding import GuidedDecoder
from gnb.rewriters.local.options import LocalOptions
from gnb.rewriters.local.rows import FIRST_DRAFT, Decoded, Frame, Hints
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
    decoder: Decoder, sources: Sequence[Sequence[int]], limits: Sequence[int], hints: Sequence[Hints]
) -> list[Decoded]:
    """Answer texts that are to change: greedily, and a text that is copied so by the change that leads most.

    The first drafts are short, as most of a whole text would be rejected behind its first change.

    Args:
        decoder: what answers.
        sources: the tokens of each text.
        limits: how many tokens each answer may have at the most.
        hints: as `GuidedDecoder.decode` takes them.
    """
    found = decoder.decode(sources, limits, hints=hints, first_draft=FIRST_DRAFT)
    copied = [place for place, source in enumerate(sources) if found[place].tokens == list(source)]
    if copied:
        again = decoder.decode(_at(sources, copied), _at(limits, copied), -inf, _at(hints, copied))
        for place, answer in zip(copied, again, strict=True):
            found[place] = answer
    return found


def _at[T](items: Sequence[T], places: Sequence[int]) -> list[T]:
    return [items[place] for place in places]
