"""Samples of a run: each example beside what the rewriters made of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from gnb.core.errors import UnknownNameError
from gnb.core.layout import KEPT, Piece, marked, printable
from gnb.core.records import Example, Rewrite
from gnb.core.store import Store
from gnb.core.store_runs import StoredRun
from gnb.core.text import comparison_key

FILTERS = ("changed", "missed", "touched")
"""Some output differs from its input; a biased text's does not; an unbiased text's does."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One example of a run, its place in it counted from 1, and the outputs there are, by the rewriters' labels."""

    place: int
    example: Example
    outputs: Mapping[str, Rewrite]

    def matches(self, only: str | None, category: str | None) -> bool:
        """Tell whether a filter lets the sample through; None lets all."""
        if category is not None and self.example.category != category:
            return False
        changed = [is_changed(self.example.text, output.text) for output in self.outputs.values()]
        match only:
            case "changed":
                return any(changed)
            case "missed":
                return self.example.biased is True and not all(changed)
            case "touched":
                return self.example.biased is False and any(changed)
            case _:
                return True

    @property
    def heading(self) -> str:
        """What is known about the example, in one line."""
        biased = {True: "biased", False: "unbiased", None: ""}[self.example.biased]
        category = self.example.category if self.example.biased is not False else ""
        parts = (str(self.place), category, biased, self.example.origin or self.example.id)
        return printable(" · ".join(part for part in parts if part))

    def lines(self) -> Iterator[tuple[str, list[Piece]]]:
        """Yield input, references and outputs, each with a label and the words marked that differ from the input."""
        text = self.example.text
        yield "input", [Piece(KEPT, printable(text))]
        for number, reference in enumerate(self.example.references, start=1):
            yield "reference" if number == 1 else f"reference {number}", marked(text, reference)
        for label, output in self.outputs.items():
            yield f"{label} (fallback)" if output.fallback else label, marked(text, output.text)


def is_changed(text: str, output: str) -> bool:
    """Tell whether an output differs from its input in more than spelling."""
    return comparison_key(text) != comparison_key(output)


def samples_of(
    run: StoredRun,
    store: Store,
    *,
    rewriters: Sequence[str] = (),
    only: str | None = None,
    category: str | None = None,
) -> list[Sample]:
    """Return the samples of a run that the filters let through.

    Args:
        run: the run.
        store: where its outputs are.
        rewriters: labels of the rewriters to look at; if none is given, all but the copy baseline, if there are others.
        only: one of `FILTERS`; judged by the rewriters that are looked at.
        category: a category of the guideline.

    Raises:
        UnknownNameError: if the run has no such rewriter or category.
    """
    for label in rewriters:
        if label not in run.rows:
            raise UnknownNameError("rewriter", label, run.rows)
    categories = {example.category for example in run.examples if example.category}
    if category is not None and category not in categories:
        raise UnknownNameError("category", category, categories)
    labels = rewriters or [label for label in run.rows if label != "copy"] or list(run.rows)
    texts = list(dict.fromkeys(example.text for example in run.examples))
    outputs = {label: store.outputs(run.rows[label], texts) for label in labels}
    samples = (
        Sample(
            place, example, {label: found[example.text] for label, found in outputs.items() if example.text in found}
        )
        for place, example in enumerate(run.examples, start=1)
    )
    return [sample for sample in samples if sample.matches(only, category)]


def sample_values(sample: Sample) -> dict[str, Any]:
    """Return a sample as JSON values, raw outputs and details included."""
    outputs = {
        label: {**asdict(output), "changed": is_changed(sample.example.text, output.text)}
        for label, output in sample.outputs.items()
    }
    return {"place": sample.place, **asdict(sample.example), "outputs": outputs}
