"""Checkpoints of a run: which one is whole, and whether they belong to the run at hand."""

import json
from pathlib import Path

_LAST_WRITTEN = "trainer_state.json"


def latest_checkpoint(folder: Path) -> Path | None:
    """Return the newest checkpoint that was written to its end, or None.

    A process may be killed while it writes one; what it writes last tells whether it came so far.
    """
    found = [path for path in folder.glob("checkpoint-*") if path.name.rpartition("-")[2].isdigit()]
    ordered = sorted(found, key=lambda path: int(path.name.rpartition("-")[2]), reverse=True)
    return next((path for path in ordered if _is_whole(path)), None)


def _is_whole(checkpoint: Path) -> bool:
    try:
        return "global_step" in json.loads((checkpoint / _LAST_WRITTEN).read_text("utf-8"))
    except (OSError, ValueError):
        return False
