"""Expert tracings and the outlines of masks."""

import numpy as np
from skimage.draw import polygon
from skimage.measure import find_contours

from echolib.shapes import MaskArray, Outline, Tracing


def tracing_polygon(tracing: Tracing) -> Outline:
    """The closed outline of an EchoNet-Dynamic tracing.

    Parameters
    ----------
    tracing : (rows, 4) array of x1, y1, x2, y2 in pixels. Row 0 is the long axis, the others are chords from the apex
        to the mitral plane.

    Returns
    -------
    (2 * (rows - 1), 2) float array of x, y: down the first ends of the chords, back up the second ends.

    Raises
    ------
    ValueError : the tracing is not (rows, 4) with at least two chords.
    """
    tracing = np.asarray(tracing, dtype=np.float64)
    if tracing.ndim != 2 or tracing.shape[1] != 4 or len(tracing) < 3:
        raise ValueError(f"a tracing is a long axis and at least two chords of x1, y1, x2, y2; got {tracing.shape}")
    chords = tracing[1:]
    return np.concatenate([chords[:, :2], chords[::-1, 2:]])


def tracing_mask(tracing: Tracing, height: int, width: int) -> MaskArray:
    """The mask inside an EchoNet-Dynamic tracing, as Ouyang et al. (Nature 2020) rasterise it.

    Row 0, the long axis, is left out; coordinates are rounded to the nearest pixel before the polygon is filled.

    Parameters
    ----------
    tracing : (rows, 4) array of x1, y1, x2, y2 in pixels; 21 rows where the tracing is complete.
    height, width : of the mask, in pixels.

    Returns
    -------
    (height, width) bool array; parts of the polygon outside the image are cut off.

    Raises
    ------
    ValueError : the tracing is not (rows, 4) with at least two chords.
    """
    outline = np.rint(tracing_polygon(tracing)).astype(int)
    mask = np.zeros((height, width), dtype=bool)
    mask[polygon(outline[:, 1], outline[:, 0], mask.shape)] = True
    return mask


def mask_contour(mask: MaskArray) -> Outline:
    """The longest outline of a mask, half a pixel outside the centres of its border pixels.

    Parameters
    ----------
    mask : (height, width) array, true inside.

    Returns
    -------
    (vertices, 2) float array of x, y in pixels, closed (first point repeated); (0, 2) for an empty mask.
    """
    padded = np.pad(np.asarray(mask, dtype=np.float64), 1)  # an outline that meets the image's edge closes, too
    outlines = find_contours(padded, 0.5)
    if not outlines:
        return np.empty((0, 2))
    longest = outlines[np.argmax([len(outline) for outline in outlines])]
    return longest[:, ::-1] - 1
