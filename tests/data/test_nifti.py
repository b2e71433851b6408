"""NIfTI files against nibabel, a reader of its own: axes, pixel sizes, values."""

from pathlib import Path

import nibabel
import numpy as np
import pytest

from echolib.data import read_image
from echolib.phantom.writers.formats import write_nifti

HEIGHT, WIDTH = 12, 10


def pixels(*frames: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (*frames, HEIGHT, WIDTH)).astype("uint8")


def written_by_nibabel(path: Path, frames: np.ndarray, row_mm: float, column_mm: float) -> Path:
    """NIfTI's axes are x, y and then time; its sizes follow them."""
    sizes = [column_mm, row_mm, 1.0][: frames.ndim]
    image = nibabel.Nifti1Image(frames.T, np.diag([column_mm, row_mm, 1.0, 1.0]))
    image.header.set_zooms(sizes)
    nibabel.save(image, path)
    return path


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("frames", [(), (7,)])
def test_what_nibabel_writes_is_read(tmp_path, suffix, frames):
    written = pixels(*frames)
    path = written_by_nibabel(tmp_path / f"patient0001_4CH_ED{suffix}", written, row_mm=0.308, column_mm=0.154)
    read, spacing = read_image(path)
    np.testing.assert_array_equal(read, written.reshape(-1, HEIGHT, WIDTH))
    assert spacing == pytest.approx((0.308, 0.154))


@pytest.mark.parametrize("frames", [(), (7,)])
def test_nibabel_reads_what_the_phantom_writes(tmp_path, frames):
    path = tmp_path / "patient0001_4CH_ED.nii.gz"
    write_nifti(path, pixels(*frames), 0.25)
    image = nibabel.load(path)
    np.testing.assert_array_equal(np.asanyarray(image.dataobj).T, pixels(*frames))
    assert image.header.get_zooms()[:2] == (0.25, 0.25)
