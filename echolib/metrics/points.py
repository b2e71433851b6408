"""Errors of keypoints."""

from typing import Literal

import numpy as np

from echolib.shapes import PointErrors, Points, Quantity


def keypoint_error(
    prediction: Points, label: Points, mm_per_px: Quantity = 1.0, kind: Literal["distance", "axis"] = "distance"
) -> PointErrors:
    """Error of each keypoint: in pixels, or in mm where the size of a pixel is given.

    Parameters
    ----------
    prediction, label : (..., points, 2) x, y in pixels; a point that is NaN in either has a NaN error.
    mm_per_px : size of a (square) pixel, a number or (...).
    kind : "distance" is the Euclidean distance; "axis" the mean of |dx| and |dy|, which is smaller by a factor of
        1 to sqrt(2) and never to be compared with it.

    Returns
    -------
    (..., points) float array.

    Raises
    ------
    ValueError : the points are not (..., points, 2), or `kind` is neither of the two.
    """
    offset = np.asarray(prediction, dtype=np.float64) - np.asarray(label, dtype=np.float64)
    if offset.ndim < 2 or offset.shape[-1] != 2:
        raise ValueError(f"keypoints are (..., points, 2), got {offset.shape}")
    if kind not in ("distance", "axis"):
        raise ValueError(f'kind is "distance" or "axis", got {kind!r}')
    error = np.hypot(offset[..., 0], offset[..., 1]) if kind == "distance" else np.abs(offset).mean(axis=-1)
    return error * np.asarray(mm_per_px, dtype=np.float64)[..., None]
