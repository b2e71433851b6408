"""Image files -> grey levels: NIfTI and MHD (MetaImage)."""

from os import PathLike
from pathlib import Path

import numpy as np

from echolib.data.errors import DataError
from echolib.data.metaimage import read_metaimage
from echolib.data.nifti import read_nifti

LABELS = ("background", "left ventricle", "myocardium", "left atrium")
PLAUSIBLE_MM = (0.01, 10.0)  # the size of a pixel in echocardiography, far beyond what a scanner can resolve


def read_image(path: str | PathLike) -> tuple[np.ndarray, tuple[float, float]]:
    """An image or sequence as uint8 (T, H, W) and its pixel size (row, column) in mm, from the header.

    Raises DataError when the file cannot be read, does not hold whole grey levels from 0 to 255, or says no plausible
    size of a pixel.
    """
    path = Path(path)
    try:
        values, spacing = (read_metaimage if path.suffix in (".mhd", ".mha") else read_nifti)(path)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}): download it again") from error
    least, most = PLAUSIBLE_MM
    if not all(least <= side <= most for side in spacing):
        raise DataError(
            f"{path}: its pixel is {spacing[0]:g} x {spacing[1]:g} mm (row x column), not within {least:g} to {most:g} "
            "mm: correct the spacing in its header"
        )
    pixels = values[None] if values.ndim == 2 else values
    if pixels.ndim != 3:
        raise DataError(
            f"{path}: its voxels have the shape {values.shape}, not (frames, rows, columns): save one channel"
        )
    return _levels(path, pixels), spacing


def read_mask(path: str | PathLike) -> tuple[np.ndarray, tuple[float, float]]:
    """A mask as uint8 (T, H, W) with labels 0 background, 1 left ventricle, 2 myocardium, 3 left atrium; pixel size.

    Raises DataError when the file cannot be read or holds another label.
    """
    labels, spacing = read_image(path)
    if labels.max() >= len(LABELS):
        raise DataError(f"{path} holds label {labels.max()}, the labels are 0 to {len(LABELS) - 1}")
    return labels, spacing


def image_frames(path: str | PathLike) -> np.ndarray:
    """The pixels of `read_image` alone, as a frame store takes them."""
    return read_image(path)[0]


def mask_frames(path: str | PathLike) -> np.ndarray:
    """The labels of `read_mask` alone, as a frame store takes them."""
    return read_mask(path)[0]


def image_spacing(path: str | PathLike) -> tuple[float, float]:
    """The pixel size (row, column) in mm of `read_image` alone."""
    return read_image(path)[1]


def _levels(path: Path, values: np.ndarray) -> np.ndarray:
    """The values as uint8. Raises DataError where one is no whole number from 0 to 255."""
    if values.dtype.kind == "f":
        if not np.isfinite(values).all():
            raise DataError(f"{path} holds values that are NaN or infinite: download it again")
        broken = values[values != np.rint(values)]
        if broken.size and values.min() >= 0 and values.max() <= 1:
            raise DataError(f"{path} holds values from 0 to 1 (such as {broken[0]:g}): scale them to 0 to 255")
        if broken.size:
            raise DataError(f"{path} holds {broken[0]:g}: grey levels and labels are whole numbers: round them")
    if values.min() < 0 or values.max() > 255:
        raise DataError(f"{path} holds values from {values.min()} to {values.max()}, not within 0 to 255: scale them")
    return values.astype("uint8")
