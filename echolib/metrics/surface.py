"""Distances between the outlines of two masks, in mm."""

from typing import NamedTuple

import numpy as np
from scipy.ndimage import binary_erosion
from scipy.spatial import KDTree

from echolib.shapes import MaskArray, SpacingMm


class SurfaceDistance(NamedTuple):
    """hausdorff_mm: the farthest that one outline gets from the other; mean_mm: the mean over both outlines."""

    hausdorff_mm: float
    mean_mm: float


def surface_distance(first: MaskArray, second: MaskArray, spacing_mm: SpacingMm) -> SurfaceDistance:
    """Distances in mm between the outlines of two masks (height, width) of pixels of (row, column) mm.


    An outline is the pixels of a mask with a neighbour (of four) outside it; beyond the image is outside. The mean is
    that of all outline pixels of both masks to the other outline, as CAMUS reports it. NaN where a mask is empty.
    """
    outlines = [_outline_mm(np.asarray(mask, dtype=bool), np.asarray(spacing_mm)) for mask in (first, second)]
    if not all(len(outline) for outline in outlines):
        return SurfaceDistance(np.nan, np.nan)
    there, back = (KDTree(b).query(a)[0] for a, b in (outlines, outlines[::-1]))
    both = np.concatenate([there, back])
    return SurfaceDistance(float(both.max()), float(both.mean()))


def _outline_mm(mask: np.ndarray, spacing_mm: np.ndarray) -> np.ndarray:
    return np.argwhere(mask & ~binary_erosion(mask, border_value=0)) * spacing_mm
