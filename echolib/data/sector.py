"""Finding the ultrasound sector in a clip that also shows text, scales, an ECG or margins."""

import numpy as np

from echolib.data.errors import DataError

_QUIETEST = 0.5  # grey levels of temporal SD; below it lies what compression does to what stands still
_SMALLEST_SHARE = 0.05  # of the picture that a sector takes


def crop_to_sector(frames: np.ndarray) -> tuple[np.ndarray, tuple[int, int, int, int]]:
    """The frames cut to the box around the ultrasound sector, with everything outside the sector black.

    frames: uint8 (T, H, W). Returns uint8 (T, bottom - top, right - left), a copy, and (top, bottom, left, right) in
    pixels of the input, bottom and right exclusive. The sector is the convex hull of the largest area that changes
    over time (of the largest bright area when there are fewer than four frames), after thin lines such as an ECG have
    been removed.

    Raises DataError when no such area takes at least a twentieth of the picture.
    """
    from scipy import ndimage
    from skimage.morphology import convex_hull_image

    activity, least = (_deviation(frames), _QUIETEST) if len(frames) >= 4 else (frames.mean(axis=0), 8.0)
    # A percentile, so that a few glaring pixels do not raise the bar for dim ones.
    active = activity > max(least, 0.02 * np.percentile(activity, 99))
    thin = max(3, round(0.012 * min(frames.shape[1:])))
    solid = ndimage.binary_opening(ndimage.binary_closing(active, iterations=2), np.ones((thin, thin)))
    labels, count = ndimage.label(solid)
    sizes = np.bincount(labels.ravel(), minlength=2)[1:]
    if not count or sizes.max() < _SMALLEST_SHARE * solid.size:
        raise DataError(f"no ultrasound sector in a clip of {frames.shape}: nothing large changes; crop it by hand")
    hull = convex_hull_image(labels == sizes.argmax() + 1)
    # Opening takes the tip of the sector: give back what it can have taken, but no more than moves.
    hull = ndimage.binary_dilation(hull, iterations=thin // 2)
    rows, columns = (np.flatnonzero(hull.any(axis=axis)) for axis in (1, 0))
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    cut = frames[:, top:bottom, left:right] * hull[top:bottom, left:right]
    return cut, (top, bottom, left, right)


def _deviation(frames: np.ndarray) -> np.ndarray:
    """Standard deviation over time, (H, W), frame by frame so that a long clip needs no copy in floats."""
    total, squares = np.zeros(frames.shape[1:], "int64"), np.zeros(frames.shape[1:], "int64")
    for frame in frames:
        wide = frame.astype("int64")
        total += wide
        squares += wide * wide
    mean = total / len(frames)
    return np.sqrt(np.maximum(squares / len(frames) - mean**2, 0))
