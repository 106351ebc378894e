"""Other answers than the greedy one: which are tried, and that the most probable of all counts."""

from collections.abc import Sequence
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

import pytest
import torch

from gnb.models.gemma import Gemma
from gnb.models.gemma_config import read_config
from gnb.models.gemma_numpy import NumpyGemma
from gnb.models.prompt import PUBLISHED, Prompt
from gnb.rewriters.base import BaseRewriter
from gnb.rewriters.local.alternatives import Alternative, alternatives, most_probable
from gnb.rewriters.local.decoders import decode_changed
from gnb.rewriters.local.decoding import GuidedDecoder
from gnb.rewriters.local.options import LocalOptions, LoraOptions
from gnb.rewriters.local.rows import TRAIL, Frame, Row, Second
from gnb.rewriters.local.single import SingleDecoder
from gnb.rewriters.lora import LoraRewriter
from gnb.sources.bundled import BundledOptions, BundledSource

STOP = frozenset({1})
TEXTS = [example.text for example in BundledSource(BundledOptions()).read(print) if example.biased][::2600]
UNSURE = "تربیت دختر با مادر است و تربیت پسر با پدر."
"""A text whose greedy answer is clumsy, and less probable than another one."""


def answered(chances: Sequence[float], seconds: dict[int, Second]) -> Row:
    """Return a finished answer to a text of three tokens: 10, 11, ... and the end."""
    answer = list(range(10, 9 + len(chances)))
    return Row([5, 6, 7], 20, 16, None, {}, answer=answer, chances=list(chances), seconds=seconds, done=True)


def test_the_nearest_second_choices_are_tried() -> None:
    first = answered([-1.0, -1.0, -1.0, -2.0], {0: Second(40, 0.3), 1: Second(41, 0.1), 2: Second(42, 0.2)})
    found = alternatives(first, STOP, 2)
    assert [(other.answer, other.place, other.held) for other in found] == [([10, 41], 1, 21), ([10, 11, 42], 2, 22)]
    assert [other.chances for other in found] == [[-1.0, -1.1], [-1.0, -1.0, -1.2]]
    assert alternatives(first, STOP, 0) == []


def test_nothing_is_tried_where_the_answer_is_sure_or_a_copy_or_nothing_could_be_won() -> None:
    seconds = {0: Second(40, 0.1)}
    assert alternatives(answered([-0.9, -0.5, -0.5], seconds), STOP, 3) == []
    assert alternatives(answered([-3.0, -0.2, -0.2], seconds), STOP, 3) == []  # all is lost at that very place
    copy = answered([-1.0, -1.0, -1.0, -1.0], seconds)
    copy.answer = list(copy.source)
    assert alternatives(copy, STOP, 3) == []


def finish(other: Alternative, tokens: list[int], chance: float) -> Alternative:
    other.answer += tokens
    other.chances += [chance]
    other.done = True
    return other


def test_another_answer_counts_if_it_is_clearly_more_probable_and_no_copy() -> None:
    first = answered([-1.0, -1.0, -1.0, -1.0], {0: Second(5, 0.1)})

    def chosen(tokens: list[int], chance: float) -> list[int]:
        return most_probable(first, [finish(other, tokens, chance) for other in alternatives(first, STOP, 1)]).tokens

    assert chosen([8], -2.0) == [5, 8]
    assert chosen([8], -2.7) == first.answer  # by 0.2 nats only
    assert chosen([6, 7], -0.1) == first.answer  # a copy
    assert chosen([8] * 15, -0.1) == first.answer  # cut off
    assert chosen([], -0.1) == [5]
    unfinished = alternatives(first, STOP, 1)
    assert most_probable(first, unfinished).tokens == first.answer


def test_no_answer_at_all_is_no_better_than_one() -> None:
    first = answered([-0.5, -2.0, -3.0], {0: Second(1, 0.1)})
    (other,) = alternatives(first, STOP, 3)
    assert other.done
    assert most_probable(first, [other]).tokens == first.answer


def test_an_answer_may_end_at_its_second_choice() -> None:
    (other,) = alternatives(answered([-1.0, -0.5, -3.0], {1: Second(1, 0.2)}), STOP, 3)
    assert other.done
    assert (other.answer, other.counts) == ([10], True)


class Reference:
    """The same by whole passes over one text, as plainly as can be."""

    def __init__(self, decoder: Any, source: list[int], limit: int) -> None:
        self.decoder, self.source, self.limit = decoder, source, limit
        self.prompt = [*decoder.frame.before, *source, *decoder.frame.after]

    def next(self, answer: list[int]) -> torch.Tensor:
        tokens = torch.tensor([[*self.prompt, *answer]])
        with torch.inference_mode():
            state = self.decoder.model.get_decoder()(input_ids=tokens).last_hidden_state[0, -1:]
            return self.decoder.layer.logits(state)[0].log_softmax(-1)

    def go_on(self, answer: list[int], chances: list[float]) -> tuple[list[int], list[float], bool]:
        answer, chances = list(answer), list(chances)
        while len(answer) < self.limit:
            found = self.next(answer)
            chances.append(float(found.max()))
            if int(found.argmax()) in self.decoder.frame.stop:
                return answer, chances, True
            answer.append(int(found.argmax()))
        return answer, chances, False

    def best(self, count: int) -> tuple[list[int], float]:
        """Return the most probable answer and its log-probability."""
        greedy, chances, _ = self.go_on([], [])
        turns = []
        for place in range(len(chances)):
            (first, second), words = (part.tolist() for part in self.next(greedy[:place]).topk(2))
            if first - second < TRAIL:
                turns.append((first - second, place, words[1]))
        results = [(greedy, sum(chances))]
        for trail, place, word in sorted(turns)[:count]:
            begun = [*chances[:place], chances[place] - trail]
            answer, given, ended = greedy[:place], begun, word in self.decoder.frame.stop
            if not ended:
                answer, given, ended = self.go_on([*answer, word], begun)
            is_better = sum(chances) < -2 and sum(given) > sum(chances) + 0.5
            if ended and is_better and answer not in ([], self.source):
                results.append((answer, sum(given)))
        return max(results, key=lambda result: result[1])


def test_the_answer_is_that_of_whole_passes_over_one_text_at_a_time(tiny_model: Path) -> None:
    with BaseRewriter(LocalOptions(base_model=str(tiny_model), dtype="float32", output_layer="full")) as rewriter:
        decoder, prompt = rewriter._decoder, Prompt(PUBLISHED, rewriter._loaded.tokenizer)
        # an untrained model would hardly ever end an answer
        decoder.frame = replace(decoder.frame, stop=frozenset(decoder.layer.ids[::9].tolist()))
        sources = [prompt.tokens_of(text)[:20] for text in TEXTS]
        limits = [len(source) + 4 for source in sources]
        greedy = decoder.decode(sources, limits)
        found = decoder.decode(sources, limits, others=4)
        expected = [Reference(decoder, *each).best(4) for each in zip(sources, limits, strict=True)]
    assert [each.tokens for each in found] == [tokens for tokens, _ in expected]
    for each, (_, chance) in zip(found, expected, strict=True):
        assert sum(each.chances) == pytest.approx(chance, abs=1e-2)
    assert sum(one.tokens != other.tokens for one, other in zip(found, greedy, strict=True)) > 2


@pytest.mark.parametrize("settings", [{}, {"first_draft": 4}, {"least": -inf}])
def test_one_text_at_a_time_has_the_answers_of_a_batch(rounded_model: Path, settings: dict[str, Any]) -> None:
    config = read_config(rounded_model / "config.json")
    assert config is not None
    generator = torch.Generator().manual_seed(1)
    sources = [torch.randint(10, 1400, (size,), generator=generator).tolist() for size in range(8, 24)]
    limits = [len(source) + 3 for source in sources]
    frame = Frame(range(1500), [2, 5, 9], [7, 8], frozenset(range(0, 1500, 9)), 9)
    guided = GuidedDecoder(Gemma(rounded_model, config, torch.float32).eval(), frame)
    single = SingleDecoder(NumpyGemma(rounded_model, config), frame)
    whole, one, greedy = (
        [each.tokens for each in decoder.decode(sources, limits, **settings, others=count)]
        for decoder, count in ((guided, 4), (single, 4), (guided, 0))
    )
    assert whole == one
    assert whole != greedy


def rewritten(texts: list[str], *, few: bool = False, **options: Any) -> list[str]:
    with LoraRewriter(LoraOptions(dtype="float32", **options)) as rewriter:
        if not few:  # the model in torch, whatever is asked
            rewriter._asked._lines = 1000
        return [answer.text for answer in rewriter.rewrite(texts)]


def test_a_clumsy_answer_gives_way_to_a_more_probable_one() -> None:
    greedy, chosen = (rewritten([UNSURE], detector="embedded", alternatives=count)[0] for count in (0, 3))
    assert greedy != chosen == "تربیت بچه با پدر و مادر است."


def test_without_a_detector_decoding_is_greedy() -> None:
    none, some = (LoraRewriter(LoraOptions(dtype="float32", alternatives=count)) for count in (0, 3))
    assert none.fingerprint() == some.fingerprint()
    assert rewritten([UNSURE], alternatives=3) == rewritten([UNSURE], alternatives=0)


def test_answers_with_and_without_alternatives_are_told_apart() -> None:
    one, other = (LoraRewriter(LoraOptions(detector="embedded", alternatives=count)) for count in (0, 3))
    assert one.fingerprint() != other.fingerprint()


def test_beside_hints_no_line_has_alternatives() -> None:
    options = {"detector": "embedded", "lexicon_bonus": 0.5}
    alone, among = rewritten([UNSURE], **options), rewritten([UNSURE, *TEXTS[:5]], **options)
    assert alone[0] == among[0] == rewritten([UNSURE], **options, alternatives=0)[0]


def test_a_few_texts_are_answered_as_many_are() -> None:
    texts = [UNSURE, *TEXTS[:5]]
    assert rewritten(texts, few=True, detector="embedded") == rewritten(texts, detector="embedded")


def test_answers_do_not_depend_on_the_other_texts_of_a_batch() -> None:
    with LoraRewriter(LoraOptions(dtype="float32")) as rewriter:
        rewriter._few = False
        prompt = Prompt(rewriter.template(), rewriter._loaded.tokenizer)
        sources = [prompt.tokens_of(text) for text in [UNSURE, *TEXTS[:7]]]
        limits = [2 * len(source) for source in sources]
        whole = decode_changed(rewriter._decoder, sources, limits, 3)
        for start in range(0, len(sources), 2):
            part = slice(start, start + 2)
            found = decode_changed(rewriter._decoder, sources[part], limits[part], 3)
            assert [each.tokens for each in found] == [each.tokens for each in whole[part]]
