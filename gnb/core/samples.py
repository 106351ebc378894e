"""Samples of a run: each example beside what the rewriters made of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import inf
from typing import Any

from gnb.core.errors import UnknownNameError
from gnb.core.layout import KEPT, Piece, marked, printable
from gnb.core.records import Example, Rewrite
from gnb.core.store import Store
from gnb.core.store_runs import StoredRun
from gnb.core.text import comparison_key


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
            yield label + _note_on(output), marked(text, output.text)

    @property
    def certainty(self) -> float:
        """The probability of the least sure edit of all outputs; infinite if none is known."""
        return min(map(_certainty, self.outputs.values()), default=inf)


def _note_on(output: Rewrite) -> str:
    if output.fallback:
        return " (fallback)"
    certainty = _certainty(output)
    return "" if certainty == inf else f" ({100 * certainty:.0f} % sure)"


def _certainty(output: Rewrite) -> float:
    """Return what an output notes of its least sure edit; infinite if it notes no probability."""
    noted = output.details.get("edit_probability")
    if isinstance(noted, bool) or not isinstance(noted, int | float) or not 0 <= noted <= 1:
        return inf
    return noted


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
    unsure: bool = False,
) -> list[Sample]:
    """Return the samples of a run that the filters let through.

    Args:
        run: the run.
        store: where its outputs are.
        rewriters: labels of the rewriters to look at; if none is given, all but the copy baseline, if there are others.
        only: "changed" (some output differs from its input), "missed" (a biased text's does not) or "touched" (an
            unbiased text's does); judged by the rewriters that are looked at.
        category: a category of the guideline.
        unsure: whether those with an edit of the lowest probability come first, and those without any are left out.

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
    matching = [sample for sample in samples if sample.matches(only, category)]
    if not unsure:
        return matching
    return sorted((each for each in matching if each.certainty < inf), key=lambda each: each.certainty)


def sample_values(sample: Sample) -> dict[str, Any]:
    """Return a sample as JSON values, raw outputs and details included."""
    outputs = {
        label: {**asdict(output), "changed": is_changed(sample.example.text, output.text)}
        for label, output in sample.outputs.items()
    }
    return {"place": sample.place, **asdict(sample.example), "outputs": outputs}
