"""Which layer of the embedded model suits BERTScore: what each can tell apart, and what it costs.

Run: python -m benchmarks.bertscore_layer [ITEMS]
The items are biased texts of the bundled corpus with a minimal and a free neutral form. A layer serves if it finds the
minimal form nearer to the free one than (a) the biased text itself, which only the edit can tell, and (b) the minimal
form of another item. The seconds are for embedding and matching, the model's loading left out.
"""

import sys
import time
from itertools import islice

from gnb.core.options import Options
from gnb.core.records import Example, Segment
from gnb.metrics.bertscore import BertScoreMetric, BertScoreOptions
from gnb.sources.bundled import BundledSource

LAYERS = (1, 2, 3, 4, 6, 8, 10, 12, 15, 18)


def items(number: int) -> list[Example]:
    """Return items from all over the corpus."""
    found = [e for e in BundledSource(Options()).read(lambda problem: None) if e.biased and len(e.references) > 1]
    return list(islice(found, 0, None, max(len(found) // number, 1)))[:number]


def judge(metric: BertScoreMetric, outputs: list[str], examples: list[Example]) -> list[float]:
    """Return the F1 of each output against the item's free form."""
    pairs = zip(outputs, examples, strict=True)
    segments = [Segment(Example(e.id, e.text, e.references[1:2], True), output) for output, e in pairs]
    return [count["f1"] for count in metric.count(segments)]


def main() -> None:
    """Print the table as Markdown."""
    examples = items(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
    minimal = [example.references[0] for example in examples]
    print(f"{len(examples)} items\n")
    print("| layer | above the biased text % | above another item % | seconds |\n|---:|---:|---:|---:|")
    for layer in LAYERS:
        with BertScoreMetric(BertScoreOptions(layer=layer)) as metric:
            judge(metric, minimal[:1], examples[:1])
            start = time.perf_counter()
            right = judge(metric, minimal, examples)
            copied = judge(metric, [example.text for example in examples], examples)
            seconds = time.perf_counter() - start
            other = judge(metric, minimal[1:] + minimal[:1], examples)
        above = [100 * sum(a > b for a, b in zip(right, rest, strict=True)) / len(right) for rest in (copied, other)]
        print(f"| {layer} | {above[0]:.1f} | {above[1]:.1f} | {seconds:.1f} |", flush=True)


if __name__ == "__main__":
    main()
