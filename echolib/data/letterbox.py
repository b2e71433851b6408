"""Frames of any size fitted into one size: scaled alike in both directions, centred, black beside."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Letterbox:
    """Where a frame comes to lie: every length times `scale`, then moved by `top` rows and `left` columns.

    Points are (x, y) in pixels with (0, 0) at the centre of the first pixel.
    """

    scale: float
    top: int
    left: int

    def apply_points(self, xy: np.ndarray) -> np.ndarray:
        """Points (..., 2) of the native frame -> of the fitted frame."""
        return (np.asarray(xy) + 0.5) * self.scale - 0.5 + (self.left, self.top)

    def invert_points(self, xy: np.ndarray) -> np.ndarray:
        """Points (..., 2) of the fitted frame -> of the native frame."""
        return (np.asarray(xy) - (self.left, self.top) + 0.5) / self.scale - 0.5


def letterbox(height: int, width: int, size: tuple[int, int]) -> Letterbox:
    """The letterbox of a frame of height x width pixels in `size` (rows, columns)."""
    scale = min(size[0] / height, size[1] / width)
    top, left = ((room - _pixels(extent, scale)) // 2 for room, extent in zip(size, (height, width), strict=True))
    return Letterbox(scale, top, left)


def fit_frames(frames: np.ndarray, size: tuple[int, int], interpolation: str = "area") -> np.ndarray:
    """uint8 frames (T, H, W) fitted into `size` (rows, columns): uint8 (T, *size).

    "area" averages the covered area (and interpolates linearly where the frame grows); "nearest" takes the pixel
    under the centre, so labels stay labels. Both are exact for a scale that is no ratio of whole numbers: points moved
    by `Letterbox.apply_points` stay on their pixels.
    """
    if interpolation not in ("area", "nearest"):
        raise ValueError(f"interpolation {interpolation!r} is not 'area' or 'nearest'")
    height, width = frames.shape[1:]
    if (height, width) == tuple(size):
        return frames
    box = letterbox(height, width, size)
    rows, columns = _pixels(height, box.scale), _pixels(width, box.scale)
    fitted = np.zeros((len(frames), *size), "uint8")
    inner = fitted[:, box.top : box.top + rows, box.left : box.left + columns]
    if interpolation == "nearest":
        inner[:] = frames[:, _nearest(height, rows, box.scale)][:, :, _nearest(width, columns, box.scale)]
        return fitted
    down, across = _weights(height, rows, box.scale), _weights(width, columns, box.scale)
    for frame, target in zip(frames, inner, strict=True):
        target[:] = np.rint(across @ (down @ frame.astype("float32")).T).T
    return fitted


def _pixels(extent: int, scale: float) -> int:
    """Pixels that the scaled extent touches; the last one may be covered in part."""
    return int(np.ceil(extent * scale - 1e-6))


def _nearest(extent: int, pixels: int, scale: float) -> np.ndarray:
    return np.minimum((np.arange(pixels) + 0.5) / scale, extent - 1).astype("int64")


def _weights(extent: int, pixels: int, scale: float):
    """Sparse weights (pixels, extent) of every source pixel in every target pixel along one direction."""
    from scipy import sparse  # here, so that decoding processes that fit nothing start sooner

    if scale <= 1:
        edges = np.arange(pixels + 1)[:, None] / scale
        source = np.arange(extent)[None]
        overlap = np.minimum(edges[1:], source + 1) - np.maximum(edges[:-1], source)
        weights = np.maximum(overlap, 0) * scale
    else:
        centres = ((np.arange(pixels) + 0.5) / scale - 0.5).clip(0, extent - 1)
        weights = np.maximum(1 - np.abs(centres[:, None] - np.arange(extent)[None]), 0)
    return sparse.csr_array(weights.astype("float32"))
