"""Keypoints of apical views, read off masks."""

import numpy as np

from echolib.geometry.volumes import mask_long_axis
from echolib.shapes import ImageMasks, ImagePoints, SpacingMm, SpacingsMm

APICAL_KEYPOINTS = ("apex", "annulus_left", "annulus_right")


def apical_keypoints(
    cavities: ImageMasks, spacing_mm: SpacingMm | SpacingsMm = (1.0, 1.0), atria: ImageMasks | None = None
) -> ImagePoints:
    """Apex and the two ends of the mitral annulus of each image, as `mask_long_axis` finds them.

    The annulus ends where the cavity's border leaves the left atrium, or, where there is no atrium or the two do not
    touch, at the two lower corners of the cavity; the apex is the point of the border farthest from their middle.

    Parameters
    ----------
    cavities : (images, height, width), true in the left ventricle.
    spacing_mm : size of a pixel (row, column) in mm, one for all or (images, 2).
    atria : (images, height, width), true in the left atrium, or None.

    Returns
    -------
    (images, 3, 2) float array of x, y in pixels: apex, left and right end of the annulus; NaN for an empty mask.
    """
    spacings = np.broadcast_to(np.asarray(spacing_mm, dtype=np.float64), (len(cavities), 2))
    points = np.empty((len(cavities), 3, 2))
    for i, (cavity, spacing) in enumerate(zip(cavities, spacings, strict=True)):
        axis = mask_long_axis(cavity, spacing, None if atria is None else atria[i])
        points[i] = axis.apex, *axis.annulus
    return points
