"""NIfTI-1 images -> arrays: the header first, and never more bytes than it says.

Source: https://nifti.nimh.nih.gov/pub/dist/src/niftilib/nifti1.h
"""

import struct
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np

from echolib.data.errors import DataError
from echolib.data.voxels import Voxels, check_size

HEADER_BYTES = 348
_KINDS = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8"}
_MILLIMETRES = (0, 2)  # unknown is taken for them, as every reader does
_BLOCK = 1 << 20


def read_nifti(path: Path) -> Voxels:
    """The voxels of a .nii or .nii.gz file with slope and intercept applied, and its spacing.

    Raises DataError when the header is none of NIfTI-1, claims more than an image may take, or the file holds another
    number of bytes than it says; a compressed file is unpacked no further than that.
    """
    with path.open("rb") as file:
        source = _Unpacked(path, file) if path.suffix == ".gz" else file
        header = source.read(HEADER_BYTES)
        order = next((order for order in "<>" if header[:4] == struct.pack(f"{order}i", HEADER_BYTES)), "")
        if len(header) < HEADER_BYTES or not order or header[344:348] != b"n+1\0":
            raise DataError(f"{path} is no NIfTI-1 image in one file (.nii, .nii.gz): save it as such")
        sizes = struct.unpack_from(f"{order}8h", header, 40)
        code = struct.unpack_from(f"{order}h", header, 70)[0]
        spacing = struct.unpack_from(f"{order}8f", header, 76)[1:3]
        offset, slope, intercept = struct.unpack_from(f"{order}3f", header, 108)
        if code not in _KINDS:
            raise DataError(f"{path}: voxels of NIfTI type {code} are no grey levels or labels: save them as uint8")
        if header[123] & 7 not in _MILLIMETRES:
            raise DataError(f"{path}: its spacing is in another unit than mm: convert it")
        if not (1 <= sizes[0] <= 7 and HEADER_BYTES <= offset <= _BLOCK):
            raise DataError(f"{path} is damaged: {sizes[0]} axes, voxels from byte {offset:g}: download it again")
        shape = _shape(sizes[1 : sizes[0] + 1])
        kind = np.dtype(order + _KINDS[code])
        length = check_size(path, shape, kind.itemsize)
        source.read(int(offset) - HEADER_BYTES)
        # One byte more than there should be; but no memory for what is not there.
        content = source.read(length + 1 if path.suffix == ".gz" else min(length + 1, path.stat().st_size))
        if len(content) != length:
            what = "is cut short" if len(content) < length else "goes on after its voxels"
            raise DataError(f"{path} {what}: its header says {length} bytes of them: download it again")
    values = np.frombuffer(content, kind).reshape(shape)
    if slope not in (0, 1) or (slope and intercept):  # zero: not scaled, says the standard
        values = values * float(slope) + float(intercept)
    return Voxels(values, (spacing[1], spacing[0]))


def _shape(sizes: tuple[int, ...]) -> tuple[int, ...]:
    """Array axes (..., row, column) of NIfTI's (x, y, ...), without axes of one voxel at the end."""
    while len(sizes) > 2 and sizes[-1] == 1:
        sizes = sizes[:-1]
    return sizes[::-1]


class _Unpacked:
    """What a gzip file holds, read piece by piece with its checksum checked at the end, as `file.read` does it."""

    def __init__(self, path: Path, file: BinaryIO):
        self.path, self.file, self.inflate = path, file, zlib.decompressobj(16 + zlib.MAX_WBITS)

    def read(self, count: int) -> bytes:
        """At most `count` bytes; fewer at the end. Raises DataError where the file is damaged or goes on after it."""
        parts, left = [], count
        try:
            while left and not self.inflate.eof:
                packed = self.inflate.unconsumed_tail or self.file.read(_BLOCK)
                if not packed:
                    raise DataError(f"{self.path} is damaged or cut short: download it again")
                parts.append(self.inflate.decompress(packed, left))
                left -= len(parts[-1])
        except zlib.error as error:
            raise DataError(f"{self.path} is damaged or cut short ({error}): download it again") from error
        if self.inflate.eof and (self.inflate.unused_data or self.file.read(1)):
            raise DataError(f"{self.path} goes on after its end: download it again")
        return b"".join(parts)
