"""What metrics share: sums of counts, and ratios that are None where they are undefined."""

from collections import Counter
from collections.abc import Iterable, Mapping

from gnb.core.components import Counts


def sum_counts(counts: Iterable[Counts]) -> Mapping[str, float]:
    """Return the sum under every key; a key that nothing counted is 0."""
    total: Counter[str] = Counter()
    for count in counts:
        for key, value in count.items():
            total[key] += value  # type: ignore[assignment]  # Counter is typed for integers, but adds any number
    return total


def ratio(numerator: float, denominator: float) -> float | None:
    """Return the quotient, or None if the denominator is 0."""
    return numerator / denominator if denominator else None


def f_score(found: float, spurious: float, missed: float, beta: float = 1.0) -> float | None:
    """Return F-beta from true positives, false positives and false negatives (van Rijsbergen 1979).

    None if there was nothing to find and nothing was found.
    """
    weight = beta**2
    return ratio((1 + weight) * found, (1 + weight) * found + weight * missed + spurious)
