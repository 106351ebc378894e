"""Named sets of searches."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Preset:
    """What a name stands for.

    Attributes:
        queries: what is searched for.
        limit: tweets kept of each search.
        latest: newest first; otherwise X's own choice ("top").
    """

    queries: tuple[str, ...]
    limit: int
    latest: bool = False


PRESETS = {"study": Preset(("فمینیسم", "فقط پسر", "فقط دختر", "فقط مرد", "فقط زن"), limit=150)}
"""`study`: feminism, only boy, only girl, only man, only woman; 150 top tweets each, as in the published study."""
