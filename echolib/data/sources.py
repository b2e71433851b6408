"""The files that an image is read from: one, but for a .mhd, whose voxels lie in another one beside it."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from echolib.data.errors import DataError
from echolib.data.metaimage import voxel_file
from echolib.files import file_sha256


def source_files(path: str | os.PathLike) -> list[Path]:
    """The file itself, and for a .mhd the file that it names; a header that is damaged names none."""
    path = Path(path)
    if path.suffix.lower() != ".mhd":
        return [path]
    try:
        return list(dict.fromkeys([path, voxel_file(path)]))
    except (DataError, OSError):
        return [path]


def source_sha256(path: str | os.PathLike, hash_of: Callable[[Path], str] = file_sha256) -> str:
    """Hex SHA-256 of what a source holds: of the file, or of the hashes of its files. Raises what `hash_of` raises."""
    hashes = [hash_of(file) for file in source_files(path)]
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("\n".join(hashes).encode()).hexdigest()
