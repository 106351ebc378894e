"""What each threshold of a rewriter would do: precision, recall and harm, from scores and labels alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gnb.core.calibration import Calibration, fit, log_odds, logistic, noted_score, roc_auc
from gnb.core.errors import InputError

THRESHOLDS = tuple(step / 20 for step in range(1, 20))
"""The thresholds that are looked at: 0.05 to 0.95."""
TOLERABLE = 0.05
"""The share of unbiased texts that a careful threshold may touch."""
_DIGITS = 4
"""Digits behind the point to which rewriters note probabilities; so much is compared with a threshold."""
_NEAREST = 0.5 * 10**-_DIGITS
"""A noted 0 or 1 stands for this much more or less: no log-odds are infinite."""


@dataclass(frozen=True, slots=True)
class ThresholdRow:
    """What happens if texts are changed from a probability of bias on.

    Attributes:
        threshold: that probability.
        precision: the share of biased texts among those changed, None if none is.
        recall: the share of the biased texts that are changed.
        f1: the harmonic mean of both.
        touched: the share of the unbiased texts that are changed.
    """

    threshold: float
    precision: float | None
    recall: float
    f1: float
    touched: float


@dataclass(frozen=True, slots=True)
class Tuning:
    """What labelled texts say of a rewriter's scores.

    Attributes:
        biased: how many of the texts are biased.
        unbiased: how many are not.
        auc: the area under the ROC curve, 0 to 1, the same under every calibration.
        calibration: what makes probabilities of the scores, in `brier` and `rows`.
        brier: the mean squared error of the probabilities, 0 to 1, lower is better (Brier 1950).
        fitted: the calibration that fits these texts best.
        fitted_brier: the same error under that one.
        rows: what each threshold does.
    """

    biased: int
    unbiased: int
    auc: float | None
    calibration: Calibration
    brier: float
    fitted: Calibration
    fitted_brier: float
    rows: Sequence[ThresholdRow]

    @property
    def best_f1(self) -> ThresholdRow:
        """The row of highest F1; of equals the one that touches least, and of those the middle one."""
        return _middle_best(self.rows, lambda row: row.f1)

    @property
    def careful(self) -> ThresholdRow | None:
        """The row of highest recall among those that touch a tolerable share; of equals as in `best_f1`."""
        allowed = [row for row in self.rows if row.touched <= TOLERABLE]
        return _middle_best(allowed, lambda row: row.recall) if allowed else None


def _middle_best(rows: Sequence[ThresholdRow], merit: Callable[[ThresholdRow], float]) -> ThresholdRow:
    """Return the best row: few texts leave many alike, of which the first and the last are the least certain ones."""
    best = max((merit(row), -row.touched) for row in rows)
    alike = [row for row in rows if (merit(row), -row.touched) == best]
    return alike[len(alike) // 2]


def bias_odds(details: Mapping[str, Any], calibration: Calibration) -> float | None:
    """Return the log-odds of bias that a rewriter noted of a text, None if it noted nothing of the kind.

    Args:
        details: the details of its rewrite.
        calibration: what it makes probabilities of margins by; noted probabilities stand as they are.
    """
    match noted_score(details):
        case None:
            return None
        case ("probability", value):
            return log_odds(min(max(value, _NEAREST), 1 - _NEAREST))
        case (_, value):
            return calibration.log_odds(value)


def tune(odds: Sequence[float], biased: Sequence[bool], stored: Calibration, *, refit: bool = False) -> Tuning:
    """Return what each threshold does to texts, and the calibration that fits them best.

    Args:
        odds: each text's log-odds of bias under the stored calibration.
        biased: whether it is biased.
        stored: the stored calibration.
        refit: take thresholds of the fitted calibration instead of the stored one.

    Raises:
        InputError: if biased or unbiased texts are missing, or if no calibration can be fitted that rises.
    """
    if not 0 < sum(biased) < len(biased):
        counts = f"{sum(biased)} of {len(biased)} are biased"
        raise InputError(f"Tuning needs biased and unbiased texts that have a score: {counts}.")
    correction = fit(odds, biased)
    if refit and correction.slope <= 0:
        raise InputError("These texts fit no calibration: biased ones have no higher scores than unbiased ones.")
    fitted = stored.then(correction)
    corrected = [correction.log_odds(each) for each in odds]
    probabilities = [round(logistic(each), _DIGITS) for each in (corrected if refit else odds)]
    return Tuning(
        biased=sum(biased),
        unbiased=len(biased) - sum(biased),
        auc=roc_auc(odds, biased),
        calibration=fitted if refit else stored,
        brier=brier_score(probabilities, biased),
        fitted=fitted,
        fitted_brier=brier_score([logistic(each) for each in corrected], biased),
        rows=[_row(threshold, probabilities, biased) for threshold in THRESHOLDS],
    )


def brier_score(probabilities: Sequence[float], biased: Sequence[bool]) -> float:
    """Return the mean squared difference between probabilities and what is the case (Brier 1950)."""
    pairs = zip(probabilities, biased, strict=True)
    return sum((probability - flag) ** 2 for probability, flag in pairs) / len(biased)


def _row(threshold: float, probabilities: Sequence[float], biased: Sequence[bool]) -> ThresholdRow:
    changed = [flag for probability, flag in zip(probabilities, biased, strict=True) if probability >= threshold]
    found, positive = sum(changed), sum(biased)
    return ThresholdRow(
        threshold,
        precision=found / len(changed) if changed else None,
        recall=found / positive,
        f1=2 * found / (len(changed) + positive),
        touched=(len(changed) - found) / (len(biased) - positive),
    )
