"""What an image file holds before it is taken for grey levels: numbers and the size of a pixel."""

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

from echolib.data.errors import DataError

LARGEST_BYTES = 1 << 30  # of one image or sequence unpacked; the longest of CAMUS takes 40 MB


class Voxels(NamedTuple):
    """Values with the axes (..., row, column) in the type of the file, and the pixel size (row, column) in mm."""

    values: np.ndarray
    spacing: tuple[float, float]


def check_size(path: Path, shape: tuple[int, ...], item_bytes: int) -> int:
    """The bytes that a header asks for. Raises DataError, before any is taken, where no image has such a size."""
    if min(shape, default=0) < 1:
        raise DataError(f"{path}: its header says {' x '.join(map(str, shape))} voxels: download it again")
    length = math.prod(shape) * item_bytes
    if length > LARGEST_BYTES:
        raise DataError(
            f"{path}: its header claims {' x '.join(map(str, shape))} voxels, more than the {LARGEST_BYTES} bytes an "
            "image may take: download it again"
        )
    return length
