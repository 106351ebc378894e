"""The audit of a corpus: what it holds, and what in it a person should look at. `audit` is the whole of it."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from gnb.auditing.characters import check_characters
from gnb.auditing.chatter import check_chatter
from gnb.auditing.copies import check_copies
from gnb.auditing.findings import SEVERITIES, Check, Finding, Severity
from gnb.auditing.gender import check_genders, count_genders
from gnb.auditing.labels import check_labels
from gnb.auditing.openings import check_openings, count_openings
from gnb.auditing.privacy import check_personal
from gnb.auditing.sizes import count_sizes
from gnb.core.errors import InputError
from gnb.core.progress import Track, untracked
from gnb.core.records import Example

__all__ = ["NEAR", "Audit", "audit"]

NEAR = 90.0
"""Per cent of characters in common from which two texts nearly agree, as in `gnb prepare`."""


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit found.

    Attributes:
        sizes: counts by split, label, category and register, and lengths in words.
        genders: counts of gender words.
        openings: by the number of words: the share of texts with a shared opening, and the commonest ones.
        findings: what a person should look at, the worst first.
    """

    sizes: dict[str, Any]
    genders: dict[str, Any]
    openings: dict[str, Any]
    findings: Sequence[Finding]

    def as_record(self) -> dict[str, Any]:
        """Return all of it as a JSON object, each finding with all its items."""
        findings = [{**asdict(each), "count": len(each.items)} for each in self.findings]
        return {"sizes": self.sizes, "genders": self.genders, "openings": self.openings, "findings": findings}

    def count(self, severity: Severity) -> int:
        """Return the number of findings of a severity."""
        return sum(each.severity == severity for each in self.findings)


def audit(examples: Sequence[Example], *, near: float = NEAR, track: Track = untracked) -> Audit:
    """Look at all examples. Nothing is changed.

    Args:
        examples: the data; held in memory, some 1 KB a text and as much again for the search for near copies.
        near: per cent of characters in common from which two texts nearly agree.
        track: told of the progress, check by check.

    Raises:
        InputError: if there are no examples.
        MissingDependencyError: if datasketch is not installed.
    """
    if not examples:
        raise InputError("There is nothing to audit: the source holds no example.")
    checks: list[Check] = [
        partial(check_copies, near=near),
        check_labels,
        check_chatter,
        check_genders,
        check_openings,
        check_characters,
        check_personal,
    ]
    findings: list[Finding] = []
    for done, check in enumerate(checks):
        track("checks", done, len(checks))
        findings += check(examples)
    return Audit(count_sizes(examples), count_genders(examples), count_openings(examples), _ranked(findings))


def _ranked(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda each: SEVERITIES.index(each.severity))
