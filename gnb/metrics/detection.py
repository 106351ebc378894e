"""Detection: a text counts as found when its output differs from it in more than spelling."""

from collections.abc import Sequence

from gnb.core.calibration import SCORES, noted_score, roc_auc
from gnb.core.components import Column, Counts, Metric, Record, Scores
from gnb.core.records import Segment
from gnb.core.text import comparison_key
from gnb.metrics.counting import f_score, ratio, sum_counts


class DetectionMetric(Metric):
    """Asks whether biased texts are changed and unbiased ones left alone. Texts that nobody labelled do not count.

    Where the rewriter noted how biased it holds a text to be, the area under the ROC curve tells how well that score
    sorts biased texts from unbiased ones, whatever the threshold.
    """

    details_read = SCORES
    columns: Sequence[Column] = (
        Column("f1", "found F1 %", digits=1, scale=100),
        Column("touched", "touched %", best="low", digits=1, scale=100),
        Column("auc", "AUC %", digits=1, scale=100),
    )

    def fingerprint(self) -> Record:
        """Return the name and the version of the rule."""
        return {"metric": "detection", "version": 2}

    def count(self, segments: Sequence[Segment]) -> list[Counts]:
        """Count each labelled segment as one of `found`, `missed`, `touched` (unbiased, changed) or `kept`.

        `score` is how biased the rewriter holds its text to be, if it said so.
        """
        return [_count(segment) for segment in segments]

    def score(self, counts: Sequence[Counts]) -> Scores:
        """Return precision, recall and F1 of finding bias, the share of unbiased texts `touched`, and the `auc`."""
        total = sum_counts(counts)
        found, missed, touched, kept = (total.get(key, 0.0) for key in ("found", "missed", "touched", "kept"))
        scored = [count for count in counts if "score" in count]
        return {
            "precision": ratio(found, found + touched),
            "recall": ratio(found, found + missed),
            "f1": f_score(found, touched, missed),
            "touched": ratio(touched, touched + kept),
            "auc": roc_auc([count["score"] for count in scored], [_is_biased(count) for count in scored]),
            "biased": found + missed,
            "unbiased": touched + kept,
        }


def _count(segment: Segment) -> Counts:
    example = segment.example
    if example.biased is None:
        return {}
    changed = comparison_key(segment.hypothesis) != comparison_key(example.text)
    outcomes = ("found", "missed") if example.biased else ("touched", "kept")
    noted = noted_score(segment.details)
    return {outcomes[0 if changed else 1]: 1, **({"score": noted[1]} if noted else {})}


def _is_biased(count: Counts) -> bool:
    return "found" in count or "missed" in count
