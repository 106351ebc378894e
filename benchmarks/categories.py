"""How well the shipped detector tells the categories of bias apart, on the test split of the bundled corpus.

A text's category is found if the detector calls the text biased and names that category.

    python -m benchmarks.categories
"""

from collections import Counter

from gnb.core.calibration import DEFAULT_THRESHOLD
from gnb.core.records import Example
from gnb.core.splitting import split_examples
from gnb.models.classifier import NEUTRAL
from gnb.models.detector import Detector
from gnb.models.options import ModelOptions
from gnb.sources.bundled import BundledOptions, BundledSource


def test_examples() -> list[Example]:
    """Return the examples of the test split."""
    examples = list(BundledSource(BundledOptions()).read(lambda problem: None))
    return [example for example in split_examples(examples) if example.split == "test"]


def main() -> None:
    """Print a table of precision and recall by category."""
    examples = test_examples()
    found = Detector(ModelOptions(), "embedded").detect([example.text for example in examples])
    guesses = [each.category if each.probability >= DEFAULT_THRESHOLD else NEUTRAL for each in found]
    truths = [example.category or NEUTRAL for example in examples]
    right = Counter(truth for truth, guess in zip(truths, guesses, strict=True) if truth == guess)
    named, wanted = Counter(guesses), Counter(truths)
    print("| category | texts | precision % | recall % |\n|---|---:|---:|---:|")
    for category, texts in sorted(wanted.items(), key=lambda item: (item[0] == NEUTRAL, item[0])):
        precision = f"{100 * right[category] / named[category]:.0f}" if named[category] else "-"
        print(f"| {category} | {texts} | {precision} | {100 * right[category] / texts:.0f} |")


if __name__ == "__main__":
    main()
