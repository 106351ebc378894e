"""The heart of `gnb compare`: texts go to rewriters, their outputs to metrics, and all that is finished is kept.

What the store already holds is not computed again, so that a run that was interrupted at any point continues where it
stopped, and a further rewriter costs its own row alone. What fails is confined to its row or cell.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from gnb.core.answering import Answers, answer
from gnb.core.components import Metric, Rewriter
from gnb.core.fingerprint import hash_text
from gnb.core.judging import judge
from gnb.core.matrix import Cell, Judge, Matrix, Row
from gnb.core.progress import Track, untracked
from gnb.core.records import Example, Segment
from gnb.core.store import Store
from gnb.core.store_runs import add_cell, add_row, end_run, start_run
from gnb.core.text import comparison_key


def compare(
    examples: Sequence[Example],
    rewriters: Mapping[str, Rewriter],
    metrics: Mapping[str, Metric],
    store: Store,
    *,
    settings: Mapping[str, Any] | None = None,
    track: Track = untracked,
) -> Matrix:
    """Judge every rewriter by every metric.

    Args:
        examples: what is judged, in order.
        rewriters: the rewriters by label. They are used and closed one after the other.
        metrics: the metrics by label, used and closed likewise.
        store: where outputs and scores are looked up and kept.
        settings: kept with the run; JSON values only.
        track: follows the progress.

    Returns:
        The matrix. A rewriter or metric that raises leaves the reason in its cells.

    Raises:
        StoreError: if the store cannot be used.
    """
    settings = dict(settings or {})
    run = _Run(start_run(store, settings, examples), examples, store, track)
    status = "interrupted"
    try:
        answers = run.answer(rewriters)
        judges, columns = run.judge(metrics, answers)
        rows = [run.row(label, each, columns) for label, each in answers.items()]
        unlabelled = sum(not example.references for example in examples)
        matrix = Matrix(run.name, len(examples), unlabelled, settings, judges, rows)
        status = "failed" if matrix.failed else "finished"
        return matrix
    finally:
        end_run(store, run.name, status)


@dataclass(frozen=True, slots=True)
class _Run:
    name: str
    examples: Sequence[Example]
    store: Store
    track: Track

    def answer(self, rewriters: Mapping[str, Rewriter]) -> dict[str, Answers]:
        """Complete the outputs of all rewriters. The longest texts come first, so that batches are even."""
        texts = sorted(dict.fromkeys(example.text for example in self.examples), key=len, reverse=True)
        answers = {}
        for label, rewriter in rewriters.items():
            answers[label] = each = answer(rewriter, texts, self.store, partial(self.track, label))
            add_row(self.store, self.name, label, each.fingerprint, each.error)
        return answers

    def judge(
        self, metrics: Mapping[str, Metric], answers: Mapping[str, Answers]
    ) -> tuple[list[Judge], dict[str, dict[str, Cell]]]:
        """Fill the matrix column by column, so that each metric's models are loaded once."""
        segments = {label: self.segments(each) for label, each in answers.items() if not each.error}
        failed = {label: Cell({}, each.error) for label, each in answers.items() if each.error}
        judges, columns = [], {}
        for label, metric in metrics.items():
            introduced, cells = judge(label, metric, segments, self.store, self.track)
            judges.append(introduced)
            columns[label] = cells | failed
            for row, cell in columns[label].items():
                add_cell(self.store, self.name, (row, label), introduced.fingerprint, cell.error or cell.scores)
        return judges, columns

    def segments(self, answers: Answers) -> list[Segment]:
        """Lay a rewriter's outputs beside the examples."""
        pairs = [(example, answers.rewrites[example.text]) for example in self.examples]
        return [Segment(example, answer.text, answer.details) for example, answer in pairs]

    def row(self, label: str, answers: Answers, columns: Mapping[str, Mapping[str, Cell]]) -> Row:
        """Gather what the matrix shows of one rewriter."""
        trained_on = sum(hash_text(comparison_key(example.text)) in answers.trained_on for example in self.examples)
        fallbacks = 0 if answers.error else sum(answers.rewrites[each.text].fallback for each in self.examples)
        cells = {metric: cells[label] for metric, cells in columns.items()}
        return Row(label, answers.fingerprint, answers.record, fallbacks, trained_on, cells, answers.error)
