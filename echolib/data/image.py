"""Image files -> grey levels: NIfTI and MHD (MetaImage), by SimpleITK."""

import gzip
import zlib
from os import PathLike
from pathlib import Path

import numpy as np

from echolib.data.errors import DataError

NIFTI_HEADER_BYTES = 352
LABELS = ("background", "left ventricle", "myocardium", "left atrium")


def read_image(path: str | PathLike) -> tuple[np.ndarray, tuple[float, float]]:
    """An image or sequence as uint8 (T, H, W) and its pixel size (row, column) in mm, from the header.

    Raises DataError when the file cannot be read or does not hold grey values from 0 to 255.
    """
    import SimpleITK

    try:
        image = SimpleITK.ReadImage(str(path))
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        raise DataError(f"{path} is not a readable NIfTI or MHD image ({reason}): download it again") from error
    pixels = SimpleITK.GetArrayFromImage(image)
    _check_whole(Path(path), pixels.nbytes)
    if pixels.ndim == 2:
        pixels = pixels[None]
    if pixels.ndim != 3 or pixels.size == 0 or pixels.min() < 0 or pixels.max() > 255:
        raise DataError(f"{path}: shape {pixels.shape} or values outside 0 to 255")
    column, row = image.GetSpacing()[:2]
    return pixels.astype("uint8"), (row, column)


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


# pyrefly: ignore[missing-attribute]  (functions are typed without attributes of their own)
image_frames.packages = mask_frames.packages = ("SimpleITK",)  # whose version decides the pixels


def _check_whole(path: Path, pixel_bytes: int) -> None:
    """Refuses a NIfTI file cut short: the ITK reader takes what it lacks for black, or for what memory holds."""
    if path.name.endswith(".mhd"):
        return  # the size of a raw file is checked by the reader
    try:
        content = path.read_bytes()
        content = gzip.decompress(content) if path.suffix == ".gz" else content
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path} is damaged or cut short ({error}): download it again") from error
    if len(content) < NIFTI_HEADER_BYTES + pixel_bytes:
        raise DataError(f"{path} is cut short ({len(content)} bytes unpacked): download it again")
