"""MetaImage (.mhd with .raw or .zraw beside it, .mha) -> arrays: the header first, and never more bytes than it says.

Source: https://itk.org/Wiki/ITK/MetaIO/Documentation
"""

import os
import zlib
from pathlib import Path

import numpy as np

from echolib.data.checks import inside
from echolib.data.errors import DataError
from echolib.data.voxels import Voxels, check_size

_KINDS = {"UCHAR": "u1", "CHAR": "i1", "USHORT": "u2", "SHORT": "i2", "UINT": "u4", "INT": "i4"}
_KINDS |= {"FLOAT": "f4", "DOUBLE": "f8"}
_ORDER_KEYS = ("BinaryDataByteOrderMSB", "ElementByteOrderMSB")
_HEADER_BYTES = 1 << 16
_PLAIN = {"ObjectType": "image", "BinaryData": "true", "HeaderSize": "0", "ElementNumberOfChannels": "1"}


def read_metaimage(path: Path) -> Voxels:
    """The voxels of a MetaImage and its spacing (NaN where the header has none).

    Raises DataError when the header cannot be read, claims more than an image may take, names a file anywhere but
    beside it, or that file holds another number of bytes than it says.
    """
    header, end = _read_header(path)
    for key, expected in _PLAIN.items():
        if header.get(key, expected).lower() != expected:
            raise DataError(f"{path}: {key} is {header[key]}, only {expected} is read: save it again")
    kind = header.get("ElementType", "").removeprefix("MET_")
    if kind not in _KINDS:
        raise DataError(f"{path}: ElementType is {header.get('ElementType')}, no grey levels or labels: save it again")
    big = any(header.get(key, "").lower() == "true" for key in _ORDER_KEYS)
    dtype = np.dtype((">" if big else "<") + _KINDS[kind])
    shape = tuple(int(size) for size in reversed(_numbers(path, header, "DimSize")))
    length = check_size(path, shape, dtype.itemsize)
    spacing = _numbers(path, header, "ElementSpacing" if "ElementSpacing" in header else "ElementSize")
    column, row = (spacing + [float("nan")] * 2)[:2]
    file, start = _data_file(path, header["ElementDataFile"], end)
    compressed = header.get("CompressedData", "").lower() == "true"
    content = _content(file, start, length, compressed)
    if len(content) != length:
        what = "is cut short" if len(content) < length else "goes on after its voxels"
        raise DataError(f"{file} {what}: {path.name} says {length} bytes: download both again")
    return Voxels(np.frombuffer(content, dtype).reshape(shape), (row, column))


def voxel_file(path: Path) -> Path:
    """The file in which the voxels lie: one beside the header, or the header itself. Raises as `read_metaimage`."""
    header, end = _read_header(path)
    return _data_file(path, header["ElementDataFile"], end)[0]


def _read_header(path: Path) -> tuple[dict[str, str], int]:
    """The keys and values up to ElementDataFile, which is the last one, and where its line ends."""
    with path.open("rb") as file:
        head = file.read(_HEADER_BYTES)
    header, end = {}, 0
    while "ElementDataFile" not in header:
        line, newline, _ = head[end:].partition(b"\n")
        key, equals, value = line.decode("latin-1").partition("=")
        if not equals or (key := key.strip()) in header:
            raise DataError(f"{path} is no MetaImage header (at byte {end}: {line[:40]!r}): download it again")
        header[key] = value.strip()
        end += len(line) + len(newline)
    return header, end


def _numbers(path: Path, header: dict[str, str], key: str) -> list[float]:
    try:
        numbers = [float(word) for word in header.get(key, "").split()]
        if key == "DimSize" and (len(numbers) != int(header["NDims"]) or any(size % 1 for size in numbers)):
            raise ValueError("not one whole number an axis")
    except (ValueError, KeyError) as error:
        raise DataError(f"{path}: {key} is {header.get(key)!r} ({error}): download it again") from error
    return numbers


def _data_file(path: Path, name: str, end: int) -> tuple[Path, int]:
    """The file in which the voxels lie, and where they begin; refused where it lies elsewhere than the header."""
    if name == "LOCAL":
        return path, end
    file = path.parent / name
    if not name or os.path.basename(name) != name or "\\" in name or name in (".", "..", "LIST") or "%" in name:
        raise DataError(f"{path}: its ElementDataFile {name!r} is no plain name of a file beside it: download it again")
    if not inside(path.parent, file):
        raise DataError(f"{path}: its ElementDataFile {name!r} is a link that leads out of its folder: copy the file")
    if not file.is_file():
        raise DataError(f"{path}: its ElementDataFile {name} is missing: download it again")
    return file, 0


def _content(file: Path, start: int, length: int, compressed: bool) -> bytes:
    """The voxels' bytes; one more than `length` where there are more."""
    with file.open("rb") as source:
        source.seek(start)
        if not compressed:
            return source.read(min(length + 1, file.stat().st_size))  # no memory for what is not there
        inflate = zlib.decompressobj()
        try:
            content = inflate.decompress(source.read(min(length + (1 << 16), file.stat().st_size)), length + 1)
        except zlib.error as error:
            raise DataError(f"{file} is damaged ({error}): download it again") from error
        if len(content) == length and (not inflate.eof or inflate.unused_data or source.read(1)):
            raise DataError(f"{file} is damaged: it does not end with its voxels: download it again")
        return content
