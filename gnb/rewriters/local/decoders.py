"""Picks the decoder that fits a model: one for batches, or one for a few texts."""

from collections.abc import Callable

from gnb.models.loading import LoadedModel
from gnb.models.prompt import Prompt
from gnb.models.quick import is_quick
from gnb.models.vocabulary import task_token_ids
from gnb.rewriters.local.decoding import GuidedDecoder
from gnb.rewriters.local.options import LocalOptions
from gnb.rewriters.local.rows import Frame
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
