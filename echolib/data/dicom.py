"""DICOM cines -> grey frames, by pydicom.

Source: DICOM PS3.3 C.7.6.3 (Image Pixel), C.7.6.6 (Multi-frame), C.11.1 and C.11.2 (rescale and window), PS3.5 A.4
(encapsulated) and A.5 (deflated).
"""

import io
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from echolib.data.errors import VideoError
from echolib.data.jpeg import JPEGCheck
from echolib.data.limits import check_claim

_HEADER_BYTES = 1 << 24  # of everything but pixels: more than any scanner writes
_FEWEST_LEVELS = 16  # of 256 that pictures of more than 8 bits must still use once they are cut down to 8
_PIXELS = 0x7FE00010
_TRAILING = {0xFFFAFFFA, 0xFFFCFFFC}  # digital signatures, padding
_DELIMITER_BYTES = 8  # that end a value of undefined length
_DEFLATED, _BASELINE_JPEG = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.50"
_CODESTREAMS = (b"\xff\xd8\xff", b"\xff\x4f\xff\x51")  # JPEG, JPEG-LS; JPEG 2000


@dataclass(frozen=True)
class _Header:
    """What decides how stored bytes become grey levels."""

    frames: int
    rows: int
    columns: int
    samples: int
    allocated: int
    stored: int
    signed: bool
    kind: str

    @property
    def pixel_bytes(self) -> int:
        return self.frames * self.rows * self.columns * self.samples * (self.allocated // 8)


def decode_dicom(path: Path, file: BinaryIO) -> np.ndarray:
    """The grey frames, uint8 (T, H, W), of an open DICOM file: MONOCHROME1 or 2 of 8 to 16 bits, RGB or YBR of 8.

    More than 8 bits are cut down to the upper 8 of those stored; signed pixels are counted from their least value.
    Raises VideoError where the header lacks a value or claims what cannot be true, the pixels are not as many as it
    says, or they are no grey levels (rescaled, windowed, a palette). The decoders' own errors pass.
    """
    # What pydicom warns of here are values such as names and dates; those that count are checked one by one.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        header = _read_header(path, file)
        data = _dataset(path, file)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # doubts about the pixels
        _check_pixel_data(path, data, header)
        _check_end(path, data)
        pixels = _decoded(data)
    if header.samples == 3:
        grey = pixels[..., 0] if header.kind.startswith("YBR") else luma(pixels)
    else:
        grey = _eight_bits(path, pixels, header)
    return np.ascontiguousarray(grey.reshape(header.frames, header.rows, header.columns))


def luma(rgb: np.ndarray) -> np.ndarray:
    """Rec. 601 luma, uint8 (..., H, W), of RGB (..., H, W, 3)."""
    return np.round(rgb @ np.array([0.299, 0.587, 0.114])).clip(0, 255).astype("uint8")


def _dataset(path: Path, file: BinaryIO, **options: Any) -> Any:
    import pydicom

    file.seek(0)
    return pydicom.dcmread(file, **options)


def _read_header(path: Path, file: BinaryIO) -> _Header:
    """The checked header, read before any pixel takes memory; a deflated file is inflated no further than it says."""
    from pydicom.filereader import read_dataset, read_file_meta_info

    meta = read_file_meta_info(path)
    if str(meta.get("TransferSyntaxUID", "")) != _DEFLATED:
        return _checked(path, _dataset(path, file, stop_before_pixels=True))
    file.seek(132 + 12 + int(meta.FileMetaInformationGroupLength))  # preamble and "DICM", the group's length, the group
    inflate, deflated = zlib.decompressobj(-zlib.MAX_WBITS), file.read()
    content = inflate.decompress(deflated, _HEADER_BYTES)
    header = _checked(path, read_dataset(io.BytesIO(content), False, True, stop_when=lambda tag, *_: tag == _PIXELS))
    size = len(content)
    while content:
        if size > header.pixel_bytes + _HEADER_BYTES:
            raise VideoError(f"{path} inflates to more than the {header.frames} frames of its header: get it again")
        content = inflate.decompress(inflate.unconsumed_tail, _HEADER_BYTES)
        size += len(content)
    if not inflate.eof or len(inflate.unused_data) > 1:  # a byte makes its length even
        raise VideoError(f"{path} is cut short, or goes on after its end: get it again")
    return header


def _checked(path: Path, data: Any) -> _Header:
    def whole(name: str, default: int | None = None) -> int:
        try:
            value = data.get(name)
            return default if default is not None and value in (None, "") else int(value)
        except (TypeError, ValueError, OverflowError) as error:
            raise VideoError(f"{path}: its {name} is missing or no number: get it again") from error

    frames, rows, columns = whole("NumberOfFrames", 1), whole("Rows"), whole("Columns")
    if frames < 1:
        raise VideoError(f"{path}: its NumberOfFrames is {frames}: get it again")
    check_claim(path, frames, columns, rows)
    allocated, stored, samples = whole("BitsAllocated"), whole("BitsStored"), whole("SamplesPerPixel", 1)
    kind = str(data.get("PhotometricInterpretation", ""))
    expected = {1: ("MONOCHROME1", "MONOCHROME2"), 3: ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")}
    if kind not in expected.get(samples, ()) or (samples == 3 and allocated != 8):
        raise VideoError(
            f"{path}: pixels of kind {kind!r}, {samples} x {allocated} bits, are not supported: convert to RGB or grey"
        )
    if allocated not in (8, 16) or not 8 <= stored <= allocated or whole("HighBit", stored - 1) != stored - 1:
        raise VideoError(f"{path}: {stored} of {allocated} bits stored are not supported: convert it to 8 bits")
    signed = bool(whole("PixelRepresentation", 0))
    if samples == 1:
        _check_levels(path, data, stored, signed)
    return _Header(frames, rows, columns, samples, allocated, stored, signed, kind)


def _check_levels(path: Path, data: Any, stored: int, signed: bool) -> None:
    """Refuses grey levels that are meant to be shown otherwise than from the least to the largest that is stored."""
    full, middle = 1 << stored, 0 if signed else 1 << (stored - 1)
    slope, intercept = _number(data, "RescaleSlope", 1), _number(data, "RescaleIntercept", 0)
    if (slope, intercept) != (1, 0):
        raise VideoError(f"{path}: its pixels are rescaled ({slope:g} x + {intercept:g}): apply that and save 8 bits")
    center, width = _number(data, "WindowCenter", middle), _number(data, "WindowWidth", full)
    if not max(abs(center - middle), abs(width - full)) <= 0.02 * full:
        raise VideoError(
            f"{path}: its pixels are shown through a window ({center:g}, {width:g} wide): apply that and save 8 bits"
        )


def _number(data: Any, name: str, default: float) -> float:
    """A value of the header, or the first of several; NaN, which equals nothing, where it is no number."""
    try:
        value = data.get(name)
        value = value[0] if hasattr(value, "__len__") and not isinstance(value, str) and len(value) else value
        return default if value is None or value == "" else float(value)
    except (TypeError, ValueError):
        return float("nan")


def _check_pixel_data(path: Path, data: Any, header: _Header) -> None:
    """Refuses pixel data that hold another number of frames than the header says."""
    from pydicom.encaps import generate_fragments
    from pydicom.pixels.utils import get_expected_length

    if "PixelData" not in data:
        raise VideoError(f"{path} is a DICOM file without pixels")
    syntax = data.file_meta.TransferSyntaxUID
    if not syntax.is_encapsulated:
        expected = get_expected_length(data)
        if len(data.PixelData) != expected + expected % 2:
            raise VideoError(
                f"{path} holds {len(data.PixelData)} bytes of pixels, the {header.frames} frames of its header take "
                f"{expected}: get it again"
            )
        return
    _, *fragments = generate_fragments(data.PixelData)  # the first item is the table of offsets
    begun = [fragment for fragment in fragments if fragment.startswith(_CODESTREAMS)] or fragments
    if len(begun) != header.frames:
        raise VideoError(f"{path} holds {len(begun)} frames, its header says {header.frames}: get it again")
    if syntax == _BASELINE_JPEG and len(fragments) == len(begun):
        jpeg = JPEGCheck(path)
        for number, fragment in enumerate(fragments):
            jpeg.check(number, fragment)


def _check_end(path: Path, data: Any) -> None:
    """Refuses what comes after the pixels, but for padding and signatures; pydicom takes any bytes for an element."""
    if data.file_meta.TransferSyntaxUID == _DEFLATED:
        return  # its length was checked when it was inflated
    tags = list(data.keys())
    after = tags[tags.index(_PIXELS) :]
    size, end = path.stat().st_size, 0
    if set(after[1:]) <= _TRAILING:
        last = data[after[-1]]
        end = last.file_tell + len(last.value) + (_DELIMITER_BYTES if last.is_undefined_length else 0)
    if end != size:
        raise VideoError(f"{path} is damaged: its {size} bytes do not end with its pixels: get it again")


def _decoded(data: Any) -> np.ndarray:
    from pydicom.pixels import pixel_array

    return pixel_array(data, raw=True)  # keeps YCbCr, whose first sample is the grey we want


def _eight_bits(path: Path, pixels: np.ndarray, header: _Header) -> np.ndarray:
    """The upper 8 of the bits stored, uint8; signed ones counted from their least value, MONOCHROME1 turned over."""
    values = pixels.astype("int64")
    if header.signed:
        values ^= 1 << (header.stored - 1)
    # The last 8 bits of this alone: what lies above the stored ones, overlays of old files, is no part of the pixel.
    grey = (values >> (header.stored - 8)).astype("uint8")
    if header.stored > 8 and int(grey.max()) - int(grey.min()) < _FEWEST_LEVELS < np.unique(values).size:
        raise VideoError(
            f"{path}: its pixels take {np.ptp(values) + 1} of the {1 << header.stored} levels of {header.stored} bits: "
            "stretch them to all of these, or save 8 bits"
        )
    return 255 - grey if header.kind == "MONOCHROME1" else grey
