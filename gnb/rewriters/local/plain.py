"""Plain greedy decoding by transformers' own `generate`, slower and the yardstick for guided decoding; or by vLLM."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gnb.models.placing import input_device
from gnb.models.vllm import VllmModel
from gnb.rewriters.local.rows import Decoded

if TYPE_CHECKING:
    from gnb.models.loading import LoadedModel


def decode_plain(
    loaded: "LoadedModel", prompts: Sequence[Sequence[int]], limits: Sequence[int], stop: frozenset[int]
) -> list[Decoded]:
    """Answer each prompt.

    Args:
        loaded: model and tokenizer.
        prompts: the tokens of each whole prompt; they are padded on the left and the padding is masked.
        limits: how many tokens each answer may have at the most.
        stop: tokens that end an answer.
    """
    if isinstance(model := loaded.model, VllmModel):
        return [Decoded(answer) for answer in model.generate(prompts, limits, stop)]
    import torch

    width = max(map(len, prompts))
    pad = loaded.tokenizer.pad_token_id
    device = input_device(loaded.model)
    tokens = torch.tensor([[pad] * (width - len(prompt)) + list(prompt) for prompt in prompts], device=device)
    mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts], device=device)
    with torch.inference_mode():
        found = loaded.model.generate(
            input_ids=tokens,
            attention_mask=mask,
            do_sample=False,
            repetition_penalty=1.0,  # a chat model's own one, which counts the prompt, forbids copying
            no_repeat_ngram_size=0,
            max_new_tokens=max(limits),
            eos_token_id=sorted(stop),
            pad_token_id=pad,
        )
    return [Decoded(_until(row[:limit], stop)) for row, limit in zip(found[:, width:].tolist(), limits, strict=True)]


def _until(tokens: list[int], stop: frozenset[int]) -> list[int]:
    end = next((index for index, token in enumerate(tokens) if token in stop), len(tokens))
    return tokens[:end]
