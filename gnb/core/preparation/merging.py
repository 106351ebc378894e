"""De-duplication: copies of one text become one example, and what they disagree about is reported."""

from dataclasses import dataclass
from typing import Any

from gnb.core.text import comparison_key

Record = dict[str, Any]
"""An example as its JSON object."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two copies of one text that disagree.

    Attributes:
        kept: the copy that stays.
        other: the copy that goes.
        labels: True if one copy calls the text biased and the other does not; then its references are not taken over.
    """

    kept: Record
    other: Record
    labels: bool

    def as_record(self) -> Record:
        """Return the conflict as a JSON object."""
        sides = {name: _brief(record) for name, record in (("kept", self.kept), ("other", self.other))}
        return {"text": self.kept["text"], "about": "labels" if self.labels else "references", **sides}


def merge_copies(first: Record, second: Record) -> tuple[Record, Conflict | None]:
    """Merge two examples with the same text, folded; the first one stays, unless only the second is labelled.

    References that are new join those there, in order, if the labels do not differ; so does a category. A label and a
    split that only one of them has are kept.
    """
    kept, other = (second, first) if _labelled(second) > _labelled(first) else (first, second)
    labels = None not in (kept["biased"], other["biased"]) and kept["biased"] != other["biased"]
    shared = ("biased", "split") if labels else ("biased", "category", "split")
    merged = {**kept, **{key: other[key] for key in shared if kept[key] is None}}
    known = {comparison_key(reference) for reference in kept["references"]}
    new = {comparison_key(reference): reference for reference in other["references"]}
    differ = bool(other["references"]) and new.keys() != known
    if not labels:
        merged["references"] = [*kept["references"], *(new[key] for key in new if key not in known)]
    return merged, Conflict(kept, other, labels) if labels or differ else None


def _labelled(record: Record) -> tuple[bool, bool]:
    """Tell how much was said about a text, as what sorts: references before a mere label."""
    return bool(record["references"]), record["biased"] is not None


def _brief(record: Record) -> Record:
    return {key: record[key] for key in ("id", "origin", "biased", "references")}
