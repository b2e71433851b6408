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


def dicom(path, pixels, kind="MONOCHROME2", bits=8, deflated=False, content=None, **values):
    """A DICOM file with uncompressed pixels; `values` are set, or left out where None."""
    import pydicom
    from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, UltrasoundMultiFrameImageStorage

    meta = pydicom.dataset.FileMetaDataset()
    meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian if deflated else ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = UltrasoundMultiFrameImageStorage, "1.2.3"
    data = pydicom.dataset.FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    data.SamplesPerPixel = 3 if kind == "RGB" else 1
    data.PhotometricInterpretation, data.NumberOfFrames = kind, len(pixels)
    data.Rows, data.Columns = pixels.shape[1:3]
    data.BitsAllocated = 8 * pixels.itemsize
    data.BitsStored, data.HighBit, data.PixelRepresentation = bits, bits - 1, 0
    if kind == "RGB":
        data.PlanarConfiguration = 0
    data.PixelData = pixels.tobytes() if content is None else content
    for name, value in values.items():
        if value is None:
            delattr(data, name)
        else:
            setattr(data, name, value)
    data.save_as(path, enforce_file_format=True)
    return path


def refused(path, match):
    with pytest.raises(VideoError, match=match) as caught:
        read_video(path)
    assert path.name in str(caught.value)


def test_uncompressed_dicom_kinds(tmp_path):
    grey = moving_noise(3, 20, 24)
    np.testing.assert_array_equal(read_video(dicom(tmp_path / "a.dcm", grey)), grey)
    np.testing.assert_array_equal(read_video(dicom(tmp_path / "b.dcm", grey, kind="MONOCHROME1")), 255 - grey)
    deep = grey.astype("uint16") << 4
    np.testing.assert_array_equal(read_video(dicom(tmp_path / "c.dcm", deep, bits=12)), grey)
    np.testing.assert_array_equal(read_video(dicom(tmp_path / "d.dcm", np.stack([grey] * 3, -1), kind="RGB")), grey)


def test_dicom_that_lies_or_is_cut(tmp_path):
    grey = moving_noise(3, 20, 24)
    for frames in (2, 4, 7):
        refused(dicom(tmp_path / "lie.dcm", grey, NumberOfFrames=frames), f"the {frames} frames of its header take")
    refused(dicom(tmp_path / "lie.dcm", grey, NumberOfFrames=2_000_000_000), "claims 2000000000 frames")
    refused(dicom(tmp_path / "lie.dcm", grey, NumberOfFrames=-1), "its NumberOfFrames is -1")
    refused(dicom(tmp_path / "lie.dcm", grey, Rows=65535, Columns=65535), "no size of a picture")
    path = dicom(tmp_path / "cut.dcm", grey)
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(VideoError, match=r"cut\.dcm"):
        read_video(path)


@pytest.mark.parametrize("name", ["Rows", "Columns", "BitsStored", "BitsAllocated", "PhotometricInterpretation"])
def test_what_a_header_must_have(tmp_path, name):
    refused(dicom(tmp_path / "a.dcm", moving_noise(3, 20, 24), **{name: None}), "missing|not supported")


def test_pixels_that_are_no_grey_levels(tmp_path):
    path, grey = tmp_path / "a.dcm", moving_noise(3, 20, 24)
    refused(dicom(path, grey, kind="PALETTE COLOR"), "PALETTE COLOR")
    refused(dicom(path, grey, RescaleSlope=2, RescaleIntercept=0), r"rescaled \(2 x \+ 0\)")
    refused(dicom(path, grey, RescaleSlope=1, RescaleIntercept=-128), "rescaled")
    refused(dicom(path, grey, WindowCenter=60, WindowWidth=40), r"through a window \(60, 40 wide\)")
    refused(dicom(path, grey, HighBit=6), "8 of 8 bits stored are not supported|bits stored")
    refused(dicom(path, grey, BitsStored=4, HighBit=3), "4 of 8 bits stored")
    refused(dicom(path, grey.astype("uint16"), bits=16), "take .* of the 65536 levels of 16 bits")


def test_grey_levels_that_only_look_otherwise(tmp_path):
    path, grey = tmp_path / "a.dcm", moving_noise(3, 20, 24)
    whole = dicom(path, grey, RescaleSlope=1, RescaleIntercept=0, WindowCenter=[127.5, 50], WindowWidth=[255, 10])
    np.testing.assert_array_equal(read_video(whole), grey)
    overlaid = (grey.astype("uint16") << 2) | 0x8000  # the bits above those stored are no part of a pixel
    np.testing.assert_array_equal(read_video(dicom(path, overlaid, bits=10)), grey)


@pytest.mark.parametrize(("bits", "kind"), [(8, "int8"), (12, "int16"), (16, "int16")])
def test_signed_pixels_count_from_their_least_value(tmp_path, bits, kind):
    grey = moving_noise(3, 20, 24)
    signed = ((grey.astype("int32") - 128) << (bits - 8)).astype(kind)
    path = dicom(tmp_path / "a.dcm", signed, bits=bits, PixelRepresentation=1)
    np.testing.assert_array_equal(read_video(path), grey)


def test_odd_bytes_are_padded(tmp_path):
    grey = moving_noise(3, 5, 7)
    np.testing.assert_array_equal(read_video(dicom(tmp_path / "a.dcm", grey, content=grey.tobytes() + b"\0")), grey)


def test_deflated(tmp_path):
    grey = moving_noise(3, 20, 24)
    np.testing.assert_array_equal(read_video(dicom(tmp_path / "a.dcm", grey, deflated=True)), grey)


def test_a_deflated_bomb_takes_no_memory(tmp_path):
    import tracemalloc

    path = dicom(tmp_path / "a.dcm", moving_noise(3, 20, 24), deflated=True, content=bytes(200 << 20))
    assert path.stat().st_size < 1 << 20
    tracemalloc.start()
    try:
        refused(path, "inflates to more than the 3 frames of its header")
        assert tracemalloc.get_traced_memory()[1] < 100 << 20
    finally:
        tracemalloc.stop()


def compressed(path, frames, claimed, damage=None):
    """A DICOM file of baseline JPEG pictures."""
    import pydicom
    from pydicom.encaps import encapsulate
    from pydicom.uid import JPEGBaseline8Bit

    pictures = [cv2.imencode(".jpg", frame)[1].tobytes() for frame in frames]
    if damage:
        pictures[1] = damage(pictures[1])
    data = pydicom.dcmread(dicom(path, frames, NumberOfFrames=claimed))
    data.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    data.PixelData = encapsulate(pictures)
    data["PixelData"].is_undefined_length = True
    data.save_as(path, enforce_file_format=True)
    return path


@pytest.mark.parametrize("claimed", [2, 4])
def test_compressed_frames_are_counted(tmp_path, claimed):
    grey = moving_noise(3, 32, 48)
    assert read_video(compressed(tmp_path / "a.dcm", grey, 3)).shape == grey.shape
    refused(compressed(tmp_path / "a.dcm", grey, claimed), f"holds 3 frames, its header says {claimed}")


def test_compressed_frames_are_looked_at(tmp_path):
    grey = moving_noise(3, 32, 48)
    refused(compressed(tmp_path / "a.dcm", grey, 3, lambda jpeg: jpeg[:-60]), r"frame 1 is damaged \(it has no end\)")


def test_odd_values_elsewhere_are_no_matter(tmp_path):
    """Real files break the standard in names, dates and numbers of no concern here: no warning, no error."""
    content = dicom(tmp_path / "a.dcm", moving_noise(3, 20, 24), StudyID="sixteen", PatientAge="001Y").read_bytes()
    (tmp_path / "a.dcm").write_bytes(content.replace(b"001Y", b"?\xff?\xfe").replace(b"1.2.3\0", b"1..x.3"))
    assert read_video(tmp_path / "a.dcm").shape == (3, 20, 24)


def test_nothing_follows_the_pixels(tmp_path):
    """A byte too many inside of the pixels shifts all that follow: what is left over at the end tells."""
    grey = moving_noise(3, 20, 24)
    for path in (dicom(tmp_path / "plain.dcm", grey), compressed(tmp_path / "jpeg.dcm", grey, 3)):
        content = path.read_bytes()
        for number in (2, 8, 400):
            path.write_bytes(content + b"\x12\x34" * (number // 2))
            refused(path, "do not end with its pixels")
        path.write_bytes(content + b"\xfc\xff\xfc\xffOB\0\0\4\0\0\0abcd")  # trailing padding of the standard
        assert read_video(path).shape == grey.shape


def test_a_deflated_file_ends_where_it_ends(tmp_path):
    path = dicom(tmp_path / "a.dcm", moving_noise(3, 20, 24), deflated=True)
    content = path.read_bytes()
    for changed in (content[:-9], content + b"abcd"):
        path.write_bytes(changed)
        refused(path, "a.dcm")
