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

    References that are new join those there, in order, if the labels do not differ. A label with its category and a
    split that only one of them has are kept.
    """
    kept, other = (second, first) if _labelled(second) > _labelled(first) else (first, second)
    labels = _differ(kept, other)
    merged = {**kept, "split": kept["split"] or other["split"]}
    if not labels and kept["biased"] is None:
        merged |= {"biased": other["biased"], "category": other["category"] or kept["category"]}
    elif kept["biased"] == other["biased"]:
        merged["category"] = kept["category"] or other["category"]
    known = {comparison_key(reference) for reference in kept["references"]}
    new = {comparison_key(reference): reference for reference in other["references"]}
    differ = bool(other["references"]) and new.keys() != known
    if not labels:
        merged["references"] = [*kept["references"], *(new[key] for key in new if key not in known)]
    return merged, Conflict(kept, other, labels) if labels or differ else None


def _differ(kept: Record, other: Record) -> bool:
    """Tell whether two labels differ: as such, or as that of an unbiased text and a reference unlike the text."""
    said = {kept["biased"], other["biased"]}
    if None not in said:
        return len(said) > 1
    text = comparison_key(kept["text"])
    return False in said and any(comparison_key(found) != text for found in (*kept["references"], *other["references"]))


def _labelled(record: Record) -> tuple[bool, bool]:
    """Tell how much was said about a text, as what sorts: references before a mere label."""
    return bool(record["references"]), record["biased"] is not None


def _brief(record: Record) -> Record:
    return {key: record[key] for key in ("id", "origin", "biased", "references")}
