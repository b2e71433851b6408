"""File writers of the phantom: grey MJPG video, NIfTI images, CSV tables."""

import csv
from fractions import Fraction
from pathlib import Path

import numpy as np


def write_mjpg(path: Path, frames: np.ndarray, fps: float) -> None:
    """Writes (T, H, W) uint8 frames as an MJPG AVI: full-range luma, constant chroma (128), every frame a key frame."""
    import av

    height, width = frames.shape[1:]
    with av.open(str(path), "w", format="avi") as container:
        stream = container.add_stream("mjpeg", rate=Fraction(fps).limit_denominator(1000))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuvj420p"
        stream.codec_context.thread_count = 1
        stream.options = {"qmin": "2", "qmax": "3", "qscale": "2"}
        picture = av.VideoFrame(width, height, "yuvj420p")
        for plane in picture.planes[1:]:
            plane.update(bytes([128]) * plane.buffer_size)
        for number, frame in enumerate(frames):
            fill_luma(picture, frame)
            picture.pts = number
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


def fill_luma(picture, frame: np.ndarray) -> None:
    """Copies a frame (H, W) into the luma plane, whose rows may be padded."""
    plane = picture.planes[0]
    padded = np.zeros((frame.shape[0], plane.line_size), np.uint8)
    padded[:, : frame.shape[1]] = frame
    plane.update(padded.tobytes()[: plane.buffer_size])


def write_nifti(path: Path, pixels: np.ndarray, spacing_mm: float) -> None:
    """Writes (H, W) or (T, H, W) uint8 pixels with isotropic in-plane spacing (mm)."""
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(np.ascontiguousarray(pixels))
    image.SetSpacing([spacing_mm, spacing_mm, 1.0][: pixels.ndim])
    sitk.WriteImage(image, str(path), useCompression=True, compressionLevel=1)


def write_csv(path: Path, header: list[str], rows: list[list]) -> None:
    """Writes a table with a header row."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
