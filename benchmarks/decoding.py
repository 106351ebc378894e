"""Speed of generation of the embedded model with its adapter: the notebook's loop, batched `generate`, and gnb.

Run: python -m benchmarks.decoding [--texts 180] [--notebook-texts 12] [--rounds 2] [--dtype auto]
All ways answer test texts in one process, turn about, each warmed up by one text; the best round of each counts. The
notebook's loop is slow, so it answers a sample: texts at equal distances in the order of their lengths.

The bound is the time that the multiply-adds alone would take at the speed of one matrix product of the size that the
model's layers have, measured in the same process. Counted are the linear layers and the output layer over every token
that guided decoding feeds, padding and attention scores left out, and in the last layer keys and values alone where no
state is read.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import batched
from typing import Any
from unittest.mock import patch

import torch
from peft import PeftModel

from gnb.core.splitting import split_examples
from gnb.models.adapters import resolve_adapter
from gnb.models.loading import LoadedModel, load_model
from gnb.models.prompt import Prompt
from gnb.models.running import hidden_states
from gnb.models.vocabulary import OutputLayer
from gnb.rewriters.local.options import LoraOptions
from gnb.rewriters.local.plain import decode_plain
from gnb.rewriters.lora import LoraRewriter
from gnb.sources.bundled import BundledOptions, BundledSource

BATCH_SIZES = (8, 16, 32, 48, 96)
NOTEBOOK_TOKENS = 100
MATRIX = (512, 640, 2048)
"""Rows, inputs and outputs of the product that sets the bound: a batch in the embedded model's widest layers."""

Answer = Callable[[list[str]], list[str | None]]


@dataclass(slots=True)
class Way:
    """One way of answering, on its texts, with the seconds of each round and the newest answers."""

    name: str
    answer: Answer
    texts: list[str]
    seconds: list[float] = field(default_factory=list)
    answers: list[str | None] = field(default_factory=list)

    def run(self) -> None:
        """Answer all texts once."""
        if not self.seconds:
            self.answer(self.texts[:9])  # more than a few, which another engine answers
        start = time.perf_counter()
        self.answers = self.answer(self.texts)
        self.seconds.append(time.perf_counter() - start)

    @property
    def rate(self) -> float:
        """Texts a second in the best round."""
        return len(self.texts) / min(self.seconds)


def test_texts(count: int) -> list[str]:
    """Return texts of the test split, evenly spread."""
    examples = split_examples(list(BundledSource(BundledOptions()).read(print)), seed=0)
    texts = [example.text for example in examples if example.split == "test"]
    return texts[:: max(1, len(texts) // count)][:count]


def sample(texts: list[str], count: int) -> list[str]:
    """Return texts of all lengths, as many short ones and long ones as there are among all."""
    ordered = sorted(texts, key=len)
    return [ordered[(2 * number + 1) * len(ordered) // (2 * count)] for number in range(min(count, len(ordered)))]


def notebook(rewriter: LoraRewriter) -> Answer:
    """The loop of the study's notebook: one prompt at a time, the adapter beside the base model's weights."""
    loaded = load_model(rewriter.options)
    model = PeftModel.from_pretrained(loaded.model, str(resolve_adapter(rewriter.options.adapter))).eval()
    template = rewriter.template()

    def answer(texts: list[str]) -> list[str | None]:
        answers: list[str | None] = []
        for text in texts:
            prompt = loaded.tokenizer(template.replace("{text}", text), return_tensors="pt").to(model.device)
            with torch.no_grad():
                tokens = model.generate(**prompt, max_new_tokens=NOTEBOOK_TOKENS, do_sample=False)[0]
            answers.append(loaded.tokenizer.decode(tokens, skip_special_tokens=True))
        return answers

    return answer


def batched_generate(rewriter: LoraRewriter, loaded: LoadedModel, size: int) -> Answer:
    """Plain batches of a fixed number of texts, the longest first, over the merged model."""
    options = rewriter.options
    prompt = Prompt(rewriter.template(), loaded.tokenizer)
    stop = frozenset({loaded.tokenizer.eos_token_id})

    def answer(texts: list[str]) -> list[str | None]:
        found: dict[str, str] = {}
        for batch in batched(sorted(texts, key=len, reverse=True), size):
            sources = [prompt.tokens_of(text.strip()) for text in batch]
            limits = [int(options.length_factor * len(source)) + options.length_margin for source in sources]
            decoded = decode_plain(loaded, [prompt.before + s + prompt.after for s in sources], limits, stop)
            raws = loaded.tokenizer.batch_decode([each.tokens for each in decoded], skip_special_tokens=True)
            found |= dict(zip(batch, raws, strict=True))
        return [found[text] for text in texts]

    return answer


def guided(rewriter: LoraRewriter) -> Answer:
    """What `gnb rewrite` does."""
    return lambda texts: [answer.raw for answer in rewriter.rewrite(texts)]


@dataclass(slots=True)
class Work:
    """What one run of guided decoding made the model do: tokens through its body, states through its output layer."""

    tokens: int = 0
    states: int = 0
    words: int = 0


def count_work(rewriter: LoraRewriter, texts: list[str]) -> Work:
    """Answer texts and count the work; the rewriter has answered before, so that the shared prefix is there."""
    work, logits = Work(), OutputLayer.logits

    def count_tokens(model: Any, **inputs: Any) -> Any:
        # rows are filled up with 0, the pad token, which no text holds
        work.tokens += int((inputs["input_ids"] != 0).sum())
        return hidden_states(model, **inputs)

    def count_states(layer: OutputLayer, hidden: torch.Tensor) -> torch.Tensor:
        work.states += len(hidden)
        work.words = max(work.words, len(layer.ids))
        return logits(layer, hidden)

    with (
        patch("gnb.rewriters.local.decoding.hidden_states", count_tokens),
        patch.object(OutputLayer, "logits", count_states),
    ):
        list(rewriter.rewrite(texts))
    return work


def matrix_speed(dtype: torch.dtype) -> float:
    """Return the GFLOP/s of one matrix product, the best of many."""
    rows, inputs, outputs = MATRIX
    states, weights = torch.randn(rows, inputs).to(dtype), torch.randn(outputs, inputs).to(dtype)
    times = []
    with torch.inference_mode():
        for _ in range(50):
            start = time.perf_counter()
            torch.nn.functional.linear(states, weights)
            times.append(time.perf_counter() - start)
    return 2 * rows * inputs * outputs / min(times) / 1e9


def weights(module: torch.nn.Module) -> int:
    """Return how many weights the linear layers of a module have: the multiply-adds of a token."""
    return sum(layer.weight.numel() for layer in module.modules() if isinstance(layer, torch.nn.Linear))


def describe_bound(way: Way, work: Work, model: Any) -> str:
    """Return how near guided decoding comes to the speed of its matrix products."""
    last = model.get_decoder().layers[-1]
    whole = weights(model.get_decoder())
    read = weights(last) - weights(last.self_attn.k_proj) - weights(last.self_attn.v_proj)  # in the last layer
    body, head = whole - read, read + work.words * model.get_output_embeddings().weight.shape[1]
    count = len(way.texts)
    per_text = (work.tokens * body + work.states * head) / count
    speed, bound = 2 * per_text * way.rate / 1e9, matrix_speed(model.dtype)
    rows, inputs, outputs = MATRIX
    share = f"{100 * speed / bound:.0f} % of the {bound:.0f} GFLOP/s"
    return (
        f"A text feeds {work.tokens / count:.0f} tokens to the body ({body / 1e6:.0f} million multiply-adds each) and "
        f"{work.states / count:.0f} states to the end of the last layer and the output layer of {work.words:,} words "
        f"({head / 1e6:.1f} million each): {per_text / 1e9:.2f} thousand million multiply-adds. "
        f"At {way.rate:.1f} texts/s that is {speed:.0f} GFLOP/s, {share} "
        f"of a {rows} × {inputs} by {inputs} × {outputs} product."
    )


def differing(answers: list[str | None], others: list[str | None]) -> str:
    """Return how many answers differ."""
    return f"{sum(one != other for one, other in zip(answers, others, strict=True))} of {len(answers)}"


def table(ways: list[Way], plain: Way) -> str:
    """Return the table as Markdown: the first way is the notebook's, `plain` the best batched one."""
    lines = [
        "| way | texts | seconds | texts/s | times the notebook's loop | times batched `generate` | other answers |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for way in ways:
        ratios = f"{way.rate / ways[0].rate:.1f} | {way.rate / plain.rate:.2f}"
        other = differing(way.answers, plain.answers) if way.texts == plain.texts else ""
        lines.append(
            f"| {way.name} | {len(way.texts)} | {min(way.seconds):.1f} | {way.rate:.2f} | {ratios} | {other} |"
        )
    return "\n".join(lines)


def arguments() -> argparse.Namespace:
    """Return the command line's settings."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=180)
    parser.add_argument("--notebook-texts", type=int, default=12, help="texts for the notebook's loop")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--dtype", default="auto", help="number format of the weights, as gnb's option")
    parser.add_argument("--sizes", type=int, nargs="+", default=BATCH_SIZES, help="texts a batch of plain `generate`")
    parser.add_argument("--rounded", type=int, default=0, help="texts to answer in bfloat16 too, slow where emulated")
    return parser.parse_args()


def with_options(dtype: str, **values: str | float) -> LoraRewriter:
    """Return a rewriter with the adapter that ships, greedy like `generate` where no detector decides."""
    return LoraRewriter(LoraOptions.model_validate({"dtype": dtype, "lexicon_bonus": 0, **values}))


def best_batched(rewriter: LoraRewriter, loaded: LoadedModel, texts: list[str], sizes: Sequence[int]) -> Way:
    """Return plain `generate` with the batch size that is the fastest in one round each."""
    ways = [Way(f"`generate`, batches of {size}", batched_generate(rewriter, loaded, size), texts) for size in sizes]
    for way in ways:
        way.run()
    best = max(ways, key=lambda way: way.rate)
    best.seconds.clear()  # it gets no more rounds than the others
    return best


def main() -> None:
    """Print the section as Markdown."""
    chosen = arguments()
    texts, rewriter = test_texts(chosen.texts), with_options(chosen.dtype)
    loaded = rewriter.load(generates=True)
    plain = best_batched(rewriter, loaded, texts, chosen.sizes)
    gnb = Way("gnb, greedy", guided(rewriter), texts)
    ways = [Way("notebook's loop", notebook(rewriter), sample(texts, chosen.notebook_texts)), plain, gnb]
    shipped = with_options(chosen.dtype, detector="embedded")
    ways.append(Way("gnb with detector, as it ships", guided(shipped), texts))
    for _ in range(chosen.rounds):
        for way in ways:
            way.run()
    print(f"{len(texts)} test texts, {loaded.model.dtype}, best of {chosen.rounds} rounds\n")
    print(f"{table(ways, plain)}\n")
    print(describe_bound(gnb, count_work(rewriter, texts), loaded.model))
    if chosen.rounded:
        some = texts[: chosen.rounded]
        answers = [guided(with_options(dtype))(some) for dtype in ("bfloat16", "float32")]
        print(f"\nIn bfloat16, {differing(*answers)} answers of gnb differ from those in float32.")


if __name__ == "__main__":
    main()
