"""Reading DICOM cines: kinds of pixels, and headers that do not tell the truth."""

import cv2
import numpy as np
import pytest

from echolib.data import VideoError, read_video
from tests.data.made import moving_noise


def test_real_dicom_agrees_with_opencv(cines_folder):
    import pydicom
    from pydicom.encaps import generate_frames

    path = cines_folder / "pydicom" / "examples_ybr_color.dcm"
    frames = read_video(path)
    data = pydicom.dcmread(path)
    jpegs = generate_frames(data.PixelData, number_of_frames=int(data.NumberOfFrames))
    grey = [cv2.imdecode(np.frombuffer(jpeg, "uint8"), cv2.IMREAD_GRAYSCALE) for jpeg in jpegs]
    assert frames.shape == (30, 240, 320)
    assert np.abs(frames.astype(int) - np.stack(grey)).max() <= 1  # two JPEG decoders may round differently


def dicom(path, pixels, frames=None, kind="MONOCHROME2", bits=8):
    """A DICOM file with uncompressed pixels."""
    import pydicom
    from pydicom.uid import ExplicitVRLittleEndian, UltrasoundMultiFrameImageStorage

    meta = pydicom.dataset.FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = UltrasoundMultiFrameImageStorage, "1.2.3"
    data = pydicom.dataset.FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    data.SamplesPerPixel = 3 if kind == "RGB" else 1
    data.PhotometricInterpretation, data.NumberOfFrames = kind, frames or len(pixels)
    data.Rows, data.Columns = pixels.shape[1:3]
    data.BitsAllocated = 8 * pixels.itemsize
    data.BitsStored, data.HighBit, data.PixelRepresentation = bits, bits - 1, 0
    if kind == "RGB":
        data.PlanarConfiguration = 0
    data.PixelData = pixels.tobytes()
    data.save_as(path, enforce_file_format=True)
    return path


def test_uncompressed_dicom_kinds(tmp_path):
    grey = moving_noise(3, 20, 24)
    np.testing.assert_array_equal(read_video(dicom(tmp_path / "a.dcm", grey)), grey)
    np.testing.assert_array_equal(read_video(dicom(tmp_path / "b.dcm", grey, kind="MONOCHROME1")), 255 - grey)
    deep = grey.astype("uint16") << 4
    np.testing.assert_array_equal(read_video(dicom(tmp_path / "c.dcm", deep, bits=12)), grey)
    np.testing.assert_array_equal(read_video(dicom(tmp_path / "d.dcm", np.stack([grey] * 3, -1), kind="RGB")), grey)


def test_dicom_that_lies_or_is_cut(tmp_path):
    grey = moving_noise(3, 20, 24)
    for frames in (7, 2_000_000_000):
        with pytest.raises(VideoError, match=r"lie\.dcm"):
            read_video(dicom(tmp_path / "lie.dcm", grey, frames=frames))
    path = dicom(tmp_path / "cut.dcm", grey)
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(VideoError, match=r"cut\.dcm"):
        read_video(path)
