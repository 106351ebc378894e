"""How far the references of the validation split allow: what a careful editor scores.

Run: python -m benchmarks.editor
The editor was a large language model that had the guideline and 150 pairs of the training part, and was asked for the
smallest edit of each biased text. Its answers stand in editor.tsv: the id of a text, and what became of it.
"""

from pathlib import Path

from gnb.core.components import Metric
from gnb.core.options import Options
from gnb.core.records import Segment
from gnb.core.splitting import split_examples
from gnb.metrics.bleu import BleuMetric, BleuOptions
from gnb.metrics.edit import EditMetric
from gnb.sources.bundled import BundledOptions, BundledSource

ANSWERS = Path(__file__).with_suffix(".tsv")


def segments() -> dict[str, list[Segment]]:
    """Return the biased validation texts as they are, and with the editor's answers."""
    lines = ANSWERS.read_text("utf-8").splitlines()
    answers = dict(line.split("\t") for line in lines)
    examples = split_examples(list(BundledSource(BundledOptions()).read(print)), seed=0)
    wanted = [example for example in examples if example.split == "validation" and example.biased]
    return {
        "copy": [Segment(example, example.text) for example in wanted],
        "editor": [Segment(example, answers[example.id]) for example in wanted],
    }


def main() -> None:
    """Print the table as Markdown."""
    metrics: list[tuple[Metric, str]] = [(BleuMetric(BleuOptions()), "bleu"), (EditMetric(Options()), "f05")]
    print("| | BLEU biased | edit F0.5 % |\n|---|---:|---:|")
    for name, row in segments().items():
        bleu, edit = (metric.score(metric.count(row))[key] for metric, key in metrics)
        print(f"| {name} | {bleu:.2f} | {100 * (edit or 0):.1f} |")


if __name__ == "__main__":
    main()
