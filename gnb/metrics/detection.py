"""Detection: a text counts as found when its output differs from it in more than spelling."""

from collections.abc import Sequence

from gnb.core.components import Column, Counts, Metric, Record, Scores
from gnb.core.records import Segment
from gnb.core.text import comparison_key
from gnb.metrics.counting import f_score, ratio, sum_counts


class DetectionMetric(Metric):
    """Asks whether biased texts are changed and unbiased ones left alone. Texts that nobody labelled do not count."""

    columns: Sequence[Column] = (
        Column("f1", "found F1 %", digits=1, scale=100),
        Column("touched", "touched %", best="low", digits=1, scale=100),
    )

    def fingerprint(self) -> Record:
        """Return the name and the version of the rule."""
        return {"metric": "detection", "version": 1}

    def count(self, segments: Sequence[Segment]) -> list[Counts]:
        """Count each labelled segment as one of `found`, `missed`, `touched` (unbiased, changed) or `kept`."""
        return [_count(segment) for segment in segments]

    def score(self, counts: Sequence[Counts]) -> Scores:
        """Return precision, recall and F1 of finding bias, and `touched`, the share of unbiased texts changed."""
        total = sum_counts(counts)
        found, missed, touched, kept = (total.get(key, 0.0) for key in ("found", "missed", "touched", "kept"))
        return {
            "precision": ratio(found, found + touched),
            "recall": ratio(found, found + missed),
            "f1": f_score(found, touched, missed),
            "touched": ratio(touched, touched + kept),
            "biased": found + missed,
            "unbiased": touched + kept,
        }


def _count(segment: Segment) -> Counts:
    example = segment.example
    if example.biased is None:
        return {}
    changed = comparison_key(segment.hypothesis) != comparison_key(example.text)
    if example.biased:
        return {"found" if changed else "missed": 1}
    return {"touched" if changed else "kept": 1}
