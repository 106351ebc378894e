"""The calibration that an adapter or a detector carries in its note."""

import json
import math
import os
from dataclasses import asdict
from importlib import resources
from pathlib import Path

from gnb.core.calibration import Calibration
from gnb.core.errors import ModelError
from gnb.models.adapters import CARD, adapter_card

_KEY = "calibration"


def stored_calibration(folder: Path) -> Calibration:
    """Return the calibration in the note of a folder; without one, scores are taken as log-odds.

    Raises:
        ModelError: if the note is damaged.
    """
    values = adapter_card(folder).get(_KEY, {})
    try:
        slope, intercept = (float(values.get(key, default)) for key, default in (("slope", 1.0), ("intercept", 0.0)))
    except (AttributeError, TypeError, ValueError, OverflowError):
        slope = intercept = math.nan
    if not (math.isfinite(slope) and math.isfinite(intercept) and slope > 0):
        raise ModelError(
            f"{folder / CARD}: the calibration is {values!r}, not a slope above 0 and an intercept."
            " `gnb tune --save` writes one."
        )
    return Calibration(slope, intercept)


def check_own(folder: Path) -> None:
    """Refuse the folders that ship with gnb: an update would undo what is changed there.

    Raises:
        ModelError: if it is one of them.
    """
    if folder.resolve().is_relative_to(Path(str(resources.files("gnb"))).resolve()):
        raise ModelError(
            f"{folder} ships with gnb and keeps its calibration. Copy the folder, name the copy instead of 'embedded'"
            " (-o lora.adapter=COPY, or -o lora.detector=COPY if it is the detector), and calibrate that."
        )


def save_calibration(folder: Path, calibration: Calibration) -> None:
    """Write a calibration into the note of an adapter's or a detector's folder; the rest of the note stays.

    Raises:
        ModelError: if the folder ships with gnb or its note is damaged.
    """
    check_own(folder)
    note = {**adapter_card(folder), _KEY: asdict(calibration)}
    part = folder / f"{CARD}.part"
    part.write_text(json.dumps(note, ensure_ascii=False, indent=1) + "\n", "utf-8")
    os.replace(part, folder / CARD)  # in one step, so that nobody reads half a note
