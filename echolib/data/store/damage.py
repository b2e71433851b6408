"""Whether the frames of a finished store are as they were written."""

import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
from filelock import Timeout

from echolib.data.store.manifest import LOCK, Item, Manifest, file_times, read_manifest
from echolib.files import file_lock


def damaged_items(folder: Path, manifest: Manifest, *, read_all: bool = False) -> list[str]:
    """Names of the items whose frames have another checksum than they were written with.

    While the times of the frames file say that nobody wrote to it, nothing is read unless `read_all`. A file that is
    whole although its times changed (copied, or moved between disks) is remembered by its new ones.
    """
    path = folder / manifest.file
    times = file_times(path)
    if times == manifest.written and not read_all:
        return []
    area = manifest.height * manifest.width
    pixels = np.memmap(path, "uint8", "r", shape=(manifest.total * area,))

    def is_damaged(item: Item) -> bool:
        return zlib.crc32(pixels[item.start * area : (item.start + item.frames) * area].data) != item.crc32

    with ThreadPoolExecutor() as pool:  # checksums release the interpreter's lock
        found = pool.map(is_damaged, manifest.items)
        damaged = [item.name for item, bad in zip(manifest.items, found, strict=True) if bad]
    if not damaged and times != manifest.written:
        _remember(folder, manifest, times)
    return damaged


def _remember(folder: Path, manifest: Manifest, times: tuple[int, int]) -> None:
    """Notes the times of a whole frames file; where another process builds, or nothing can be written, next time."""
    with suppress(OSError, Timeout), file_lock(folder / LOCK, blocking=False):
        if read_manifest(folder) == manifest:
            replace(manifest, written=times).write(folder)
