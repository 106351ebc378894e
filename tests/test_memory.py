"""What does not fit into memory goes through in smaller batches, and nothing is lost.

Two kinds of shortage: an address space that is really too small, in a process of its own, and a model that says so of
batches above a size, since no test can count on a full GPU.
"""

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from types import MethodType

import pytest

from gnb.core.errors import ModelError
from gnb.models.detector import Detector
from gnb.models.memory import NO_ROOM, is_out_of_memory
from gnb.models.options import ModelOptions
from gnb.rewriters.base import BaseRewriter
from gnb.rewriters.local.options import LocalOptions
from gnb.sources.bundled import BundledOptions, BundledSource

TEXTS = [example.text for example in BundledSource(BundledOptions()).read(print)]


def sample(count: int) -> list[str]:
    return random.Random(3).sample(TEXTS, count)


def limit_rows(model, most: int, seen: list[int]) -> None:
    """Make a model say that memory does not suffice for more rows than that, as torch says it."""
    import torch

    decoder = model.get_decoder()
    inner = decoder.forward

    def forward(self, input_ids, **arguments):
        seen.append(len(input_ids))
        if len(input_ids) > most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return inner(input_ids=input_ids, **arguments)

    decoder.forward = MethodType(forward, decoder)


@pytest.mark.parametrize("decoding", ["guided", "plain"])
def test_a_batch_that_does_not_fit_is_halved_and_later_ones_are_smaller(tiny_model: Path, decoding: str):
    texts = sample(16)
    options = LocalOptions(base_model=str(tiny_model), dtype="float32", decoding=decoding, window=8, length_factor=0.1)
    with BaseRewriter(options) as rewriter:
        expected = list(rewriter.rewrite(texts))
    seen: list[int] = []
    with BaseRewriter(options) as rewriter:
        limit_rows(rewriter._loaded.model, 3, seen)
        answers = list(rewriter.rewrite(texts))
    assert [answer.text for answer in answers] == [answer.text for answer in expected]
    failed = [size for size in seen if size > 3]
    assert failed
    assert len(seen) - seen[::-1].index(failed[-1]) < len(seen) / 2  # it learns


def test_a_line_that_does_not_fit_alone_comes_back_and_says_so(tiny_model: Path):
    with BaseRewriter(LocalOptions(base_model=str(tiny_model))) as rewriter:
        assert rewriter._decoder  # its own first pass is no line
        limit_rows(rewriter._loaded.model, 0, [])
        first, second = rewriter.rewrite(TEXTS[:2])
    assert [first.text, second.text] == TEXTS[:2]
    assert first.fallback
    assert first.details["reason"] == NO_ROOM


def test_a_detector_halves_its_batches_too(tiny_model: Path, tiny_detector: Path):
    options = ModelOptions(base_model=str(tiny_model), dtype="float32")
    texts = sample(16)
    expected = Detector(options, str(tiny_detector)).detect(texts)
    detector = Detector(options, str(tiny_detector))
    seen: list[int] = []
    limit_rows(detector._loaded.model, 2, seen)
    found = detector.detect(texts)
    assert [each.category for each in found] == [each.category for each in expected]
    assert [each.probability for each in found] == pytest.approx([each.probability for each in expected], abs=2e-4)
    seen.clear()
    detector.detect(texts)
    assert max(seen) <= 2


def test_a_detector_without_room_for_one_text_says_so(tiny_model: Path, tiny_detector: Path):
    detector = Detector(ModelOptions(base_model=str(tiny_model)), str(tiny_detector))
    limit_rows(detector._loaded.model, 0, [])
    with pytest.raises(ModelError, match="more memory than there is"):
        detector.detect(["سلام"])


def test_other_errors_are_not_taken_for_a_shortage():
    assert not is_out_of_memory(RuntimeError("shape mismatch"))
    assert not is_out_of_memory(ValueError("out of memory"))


_TIGHT = """
import json, resource, sys
from gnb.rewriters.base import BaseRewriter
from gnb.rewriters.local.options import LocalOptions
from gnb.models import memory

texts, model = json.loads(sys.stdin.read()), sys.argv[1]
options = LocalOptions(base_model=model, dtype="float32", batch_tokens=10**7, length_factor=0.1)
refused = []
noting = memory.is_out_of_memory
memory.is_out_of_memory = lambda error: noting(error) and not refused.append(str(error))
with BaseRewriter(options) as rewriter:
    list(rewriter.rewrite(texts[:2]))
    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + int(sys.argv[2]), resource.RLIM_INFINITY))
    answers = [answer.text for answer in rewriter.rewrite(texts)]
print(json.dumps([answers, len(refused)]))
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="limits a process's memory as Linux does")
def test_a_process_with_too_little_memory_answers_everything(tiny_model: Path):
    texts = sample(120)

    def run(room: int) -> tuple[list[str], int]:
        command = [sys.executable, "-c", _TIGHT, str(tiny_model), str(room)]
        # one heap: each further one reserves 64 MiB of addresses, as many as threads happen to ask for
        settings = {**os.environ, "MALLOC_ARENA_MAX": "1"}
        done = subprocess.run(
            command, input=json.dumps(texts), env=settings, encoding="utf-8", capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr
        answers, refused = json.loads(done.stdout)
        return answers, refused

    plenty, none_refused = run(20 * 2**30)
    tight, refused = run(24 * 2**20)
    assert none_refused == 0
    assert refused > 0
    assert tight == plenty
