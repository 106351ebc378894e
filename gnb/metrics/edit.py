"""Edits made against edits wanted, because BLEU hardly sees the edit in a text that is mostly copied.

The edits from input to output are compared with those from input to reference, as the MaxMatch scorer (Dahlmeier & Ng
2012, "Better Evaluation for Grammatical Error Correction") and ERRANT (Bryant, Felice & Briscoe 2017, "Automatic
Annotation and Evaluation of Error Types for Grammatical Error Correction") do for grammar. F0.5 weighs precision twice
as much as recall, as is the custom there since the CoNLL-2014 shared task: a wrong change is worse than a missing one.
"""

from collections.abc import Sequence
from importlib.metadata import version

from gnb.core.components import Column, Counts, Metric, Record, Scores
from gnb.core.edits import edits
from gnb.core.records import Segment
from gnb.core.text import comparison_key
from gnb.metrics.counting import f_score, ratio, sum_counts

BETA = 0.5
_Edits = frozenset[tuple[int, int, str]]
"""Edits as the characters they replace in the input, and the folded text they put there."""


class EditMetric(Metric):
    """Precision, recall and F0.5 of token edits. An unbiased text that has no reference counts as its own."""

    columns: Sequence[Column] = (
        Column("f05", "edit F0.5 %", digits=1, scale=100),
        Column("precision", "edit P %", digits=1, scale=100),
        Column("recall", "edit R %", digits=1, scale=100),
    )

    def fingerprint(self) -> Record:
        """Return the version of the rule and of the library that aligns."""
        return {"metric": "edit", "version": 1, "beta": BETA, "rapidfuzz": version("rapidfuzz")}

    def count(self, segments: Sequence[Segment]) -> list[Counts]:
        """Count the edits `right`, `wrong` and `missed` against the reference that suits the output best.

        That is the reference with the highest F0.5 of the segment; of equals, the one with more right, then fewer
        wrong, then fewer missed edits, as in ERRANT.
        """
        return [_count(segment) for segment in segments]

    def score(self, counts: Sequence[Counts]) -> Scores:
        """Return precision, recall and F0.5 over the summed edits, and the sums."""
        total = sum_counts(counts)
        right, wrong, missed = (total.get(key, 0.0) for key in ("right", "wrong", "missed"))
        return {
            "precision": ratio(right, right + wrong),
            "recall": ratio(right, right + missed),
            "f05": f_score(right, wrong, missed, BETA),
            "right": right,
            "wrong": wrong,
            "missed": missed,
        }


def _count(segment: Segment) -> Counts:
    example = segment.example
    references = example.references or ((example.text,) if example.biased is False else ())
    if not references:
        return {}
    made = _edits(example.text, segment.hypothesis)
    right, wrong, missed = max((_compare(made, _edits(example.text, r)) for r in references), key=_merit)
    return {"right": right, "wrong": wrong, "missed": missed}


def _edits(source: str, target: str) -> _Edits:
    return frozenset(
        (edit.source_start, edit.source_end, comparison_key(target[edit.target_start : edit.target_end]))
        for edit in edits(source, target)
    )


def _compare(made: _Edits, wanted: _Edits) -> tuple[int, int, int]:
    right = len(made & wanted)
    return right, len(made) - right, len(wanted) - right


def _merit(counts: tuple[int, int, int]) -> tuple[float, int, int, int]:
    right, wrong, missed = counts
    score = f_score(right, wrong, missed, BETA)
    return 1.0 if score is None else score, right, -wrong, -missed
