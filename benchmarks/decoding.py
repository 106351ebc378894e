"""Decoding of the embedded model with its adapter: one text at a time, batched `generate`, guided decoding.

Run: python -m benchmarks.decoding [--texts 48]
All ways get the same test texts in one process, so that the ratios are fair; bfloat16 is run beside float32 for the
share of answers that differ.
"""

import argparse
import time

from gnb.core.options import Options
from gnb.core.splitting import split_examples
from gnb.rewriters.local.options import LoraOptions
from gnb.rewriters.lora import LoraRewriter
from gnb.sources.bundled import BundledSource

WAYS = {
    "`generate`, one text at a time": {"decoding": "plain", "batch_tokens": 1},
    "`generate`, batched": {"decoding": "plain"},
    "guided, whole vocabulary": {"output_layer": "full"},
    "guided": {},
}


def test_texts(count: int) -> list[str]:
    """Return texts of the test split, evenly spread."""
    examples = split_examples(list(BundledSource(Options()).read(print)), seed=0)
    texts = [example.text for example in examples if example.split == "test"]
    return texts[:: max(1, len(texts) // count)][:count]


def run(texts: list[str], **values: object) -> tuple[float, list[str | None]]:
    """Return the seconds that all texts took once the model was warm, and the raw answers."""
    with LoraRewriter(LoraOptions.model_validate({"dtype": "float32", **values})) as rewriter:
        list(rewriter.rewrite(texts[:1]))
        start = time.perf_counter()
        answers = [answer.raw for answer in rewriter.rewrite(texts)]
        return time.perf_counter() - start, answers


def differing(answers: list[str | None], others: list[str | None]) -> str:
    """Return how many answers differ."""
    return f"{sum(one != other for one, other in zip(answers, others, strict=True))} of {len(answers)}"


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=48)
    texts = test_texts(parser.parse_args().texts)
    results = {name: run(texts, **values) for name, values in WAYS.items()}
    slowest = results["`generate`, one text at a time"][0]
    _, batched = results["`generate`, batched"]
    print(f"{len(texts)} test texts, float32\n")
    print("| way | seconds | times the speed of the first | answers unlike batched `generate` |\n|---|---:|---:|---:|")
    for name, (seconds, answers) in results.items():
        print(f"| {name} | {seconds:.1f} | {slowest / seconds:.1f} | {differing(answers, batched)} |", flush=True)
    _, rounded = run(texts, dtype="bfloat16")
    print(f"\nIn bfloat16, {differing(rounded, results['guided'][1])} guided answers differ from float32.")


if __name__ == "__main__":
    main()
