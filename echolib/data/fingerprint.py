"""What identifies data without decoding a frame: their tables, and the names and sizes of their files."""

import hashlib
import os
from collections.abc import Iterable

import numpy as np
import pandas as pd

from echolib.data.sources import source_files

PATHS = ("path", "mask_path")  # columns of items that say where a file lies


def data_fingerprint(description: str, items: pd.DataFrame, tables: Iterable[pd.DataFrame]) -> str:
    """SHA-256 (hex) of a description, of tables in the order of their rows, and of the items' files by name and size.

    Not of where files lie nor when they were written, so that a copied or linked folder has the same one. Numbers count
    to the seven digits of a float32: a last bit in which two versions of a parser or of a sum differ changes nothing.
    """
    digest = hashlib.sha256()
    _add(digest, description.encode())
    for table in (items.drop(columns=[name for name in PATHS if name in items]), *tables):
        for name in table.columns:
            _add(digest, str(name).encode())
            _add(digest, _column_bytes(table[name]))
    for name in PATHS:
        if name in items:
            sizes = (f"{os.path.basename(path)} {_size(path)}" for path in items[name])
            _add(digest, "\n".join([name, *sizes]).encode())
    return digest.hexdigest()


def _size(path: str) -> int:
    return sum(os.stat(file).st_size for file in source_files(path))


def _add(digest, content: bytes) -> None:
    """The content after its length, so that no two sequences of contents look alike."""
    digest.update(f"{len(content)} ".encode())
    digest.update(content)


def _column_bytes(column: pd.Series) -> bytes:
    """The values of a column in one byte order, whatever type of column holds them."""
    if pd.api.types.is_numeric_dtype(column):
        return _number_bytes(column.to_numpy())
    values = column.tolist()
    if values and isinstance(values[0], np.ndarray):
        stacked = np.stack(values)
        return f"{stacked.shape} ".encode() + _number_bytes(stacked)
    return "".join(f"{len(text)} {text}" for text in map(str, values)).encode()


def _number_bytes(numbers: np.ndarray) -> bytes:
    if numbers.dtype.kind in "biu":
        return b"whole " + numbers.astype("<i8").tobytes()
    numbers = numbers.astype("<f4") + np.float32(0)  # minus zero becomes zero
    numbers[np.isnan(numbers)] = np.nan  # of which there are many
    return b"real " + numbers.tobytes()
