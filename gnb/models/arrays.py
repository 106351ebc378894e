"""Reads weights into numpy, also those in bfloat16, which numpy does not know."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_TYPES: dict[str, type[np.generic]] = {"F32": np.float32, "F16": np.float16, "BF16": np.uint16}


@dataclass(frozen=True, slots=True)
class Stored:
    """An array as its file holds it, of numbers or of the bits of bfloat16 numbers."""

    values: NDArray[Any]

    def wide(self) -> Floats:
        """Return it in float32, which holds every number of the narrower formats."""
        if self.values.dtype != np.uint16:
            return self.values.astype(np.float32)
        bits = self.values.astype(np.uint32)
        bits <<= 16  # a bfloat16 number is the upper half of a float32 number
        return bits.view(np.float32)

    def rows(self, indices: NDArray[np.intp]) -> Floats:
        """Return some rows in float32."""
        return Stored(self.values[indices]).wide()


def read_arrays(file: Path) -> dict[str, Stored]:
    """Return the arrays of a file of weights by their names. They are read from the disk when they are looked at.

    Args:
        file: in the format of safetensors (https://github.com/huggingface/safetensors#format): the length of a header,
            the header in JSON, the data.

    Raises:
        One of `gnb.core.errors.DAMAGES`: if it cannot be read, is damaged, or holds other formats than F32, F16, BF16.
    """
    data = np.asarray(np.memmap(file, mode="r", dtype=np.uint8))
    start = 8 + int.from_bytes(data[:8].tobytes(), "little")
    header = json.loads(data[8:start].tobytes())
    header.pop("__metadata__", None)
    return {name: _array(data[start:], **entry) for name, entry in header.items()}


def _array(data: NDArray[np.uint8], dtype: str, shape: list[int], data_offsets: list[int]) -> Stored:
    begin, end = data_offsets
    return Stored(data[begin:end].view(_TYPES[dtype]).reshape(shape))
