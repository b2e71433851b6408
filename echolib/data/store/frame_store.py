"""Decoded frames of many videos as one memory-mapped array."""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from echolib.data.errors import DataError, Faults
from echolib.data.sources import source_sha256
from echolib.data.store.building import Build, is_current, refuse_half_started, stamp_all
from echolib.data.store.damage import damaged_items
from echolib.data.store.decoding import Expected
from echolib.data.store.manifest import LOCK, Item, Recipe, decoder_version, read_manifest
from echolib.data.video import read_video
from echolib.files import file_lock


class FrameStore:
    """Frames of many videos, decoded once: one memory-mapped uint8 array and a JSON manifest.

    `FrameStore(folder)` opens a finished store; it needs neither the sources nor a decoder. Raises DataError when
    there is none, manifest and frames do not fit, or somebody wrote to the frames and they are damaged.

    names (N,) in the order they were given; index {name: position in names}; starts, counts (N,) int64, the first frame
    and the number of frames of each; height, width of every frame; native_sizes (N, 2) before any fitting; pixels
    (total, height, width), read-only; lookup (256, 3) uint8, the RGB picture of every grey level as OpenCV decodes it,
    None where the videos' chroma is not one constant (`note` says so); fingerprint, hex, over names, source hashes,
    decoder, size and interpolation.
    """

    def __init__(self, folder: str | os.PathLike):
        self.folder = Path(folder)
        manifest = read_manifest(self.folder)
        if damaged := damaged_items(self.folder, manifest):
            raise DataError(
                f"{self.folder / manifest.file}: the frames of {_some(damaged)} are damaged; "
                "delete the folder, or build the store again from its sources"
            )
        self.items: tuple[Item, ...] = manifest.items
        self.names = [item.name for item in self.items]
        self.index = {name: row for row, name in enumerate(self.names)}
        self.starts = np.array([item.start for item in self.items], "int64")
        self.counts = np.array([item.frames for item in self.items], "int64")
        self.native_sizes = np.array([item.native for item in self.items], "int64")
        self.height, self.width = manifest.height, manifest.width
        self.lookup = None if manifest.lookup is None else np.array(manifest.lookup, "uint8")
        self.note, self.fingerprint = manifest.note, manifest.fingerprint
        shape = (manifest.total, self.height, self.width)
        self.pixels = np.memmap(self.folder / manifest.file, "uint8", "r", shape=shape)
        self._plain = np.asarray(self.pixels)  # the same memory; slices of a memmap cost ten times a plain array's

    @classmethod
    def build(
        cls,
        folder: str | os.PathLike,
        sources: Mapping[str, str | os.PathLike],
        *,
        read: Callable[[str], np.ndarray] = read_video,
        size: tuple[int, int] | None = None,
        interpolation: str = "area",
        workers: int | None = None,
        expected: Mapping[str, Expected] | None = None,
        progress: bool = True,
    ) -> "FrameStore":
        """The store of these sources ({name: path}) in the folder, built as far as it is not there yet.

        size (rows, columns) letterboxes every frame to it; without it all sources must have one size. `read` turns a
        path into uint8 (T, H, W); with more than one worker it must be importable by name. expected is what tables
        say of each source.

        A finished store is opened at once while no source's size or times differ; where they do the source is hashed,
        and what has changed decoded again, as are frames that were damaged. A killed build goes on where it was. Of two
        builds at once one waits.

        Raises DataError: every source that is missing, unreadable, cut short, or of another size, length or hash than
        expected, in one error; or a disk that is full, which leaves a store finished before as it was.
        """
        folder = Path(folder)
        if interpolation not in ("area", "nearest"):
            raise ValueError(f"interpolation {interpolation!r} is not 'area' or 'nearest'")
        stamps = stamp_all(sources)
        recipe = Recipe(decoder_version(read), None if size is None else (int(size[0]), int(size[1])), interpolation)
        said = dict(expected or {})
        if not is_current(folder, recipe, stamps, said):
            refuse_half_started()
            folder.mkdir(parents=True, exist_ok=True)
            # A lock of the operating system: it is free again as soon as its holder is gone, however it went.
            with file_lock(folder / LOCK):
                if not is_current(folder, recipe, stamps, said):
                    Build(folder, recipe, read, stamps, said).run(workers, progress)
        return cls(folder)

    def frames(self, name: str) -> np.ndarray:
        """The frames of one video, uint8 (T, H, W), a read-only view. Raises KeyError for an unknown name."""
        row = self.index[name]
        return self._plain[self.starts[row] : self.starts[row] + self.counts[row]]

    def verify(self, *, sources: bool = True) -> None:
        """Checks every stored frame against its checksum and every source against its hash.

        Raises DataError with the name of everything that changed since the store was built. `sources=False` leaves
        the sources out, for a store that was moved away from them.
        """
        faults = Faults(f"frame store {self.folder}", "restore the listed files, or build the store again")
        damaged = damaged_items(self.folder, read_manifest(self.folder), read_all=True)
        faults.extend(f"{name}: its frames in {self.pixels.filename} are damaged" for name in damaged)
        if sources:
            with ThreadPoolExecutor() as pool:  # hashing releases the interpreter's lock
                faults.extend(filter(None, pool.map(_changed_source, self.items)))
        faults.raise_any()

    def __len__(self) -> int:
        return len(self.items)

    def __reduce__(self):
        # Pickled as its folder: a worker process maps the frames itself instead of receiving a copy.
        return FrameStore, (self.folder,)

    def __repr__(self) -> str:
        return f"FrameStore({str(self.folder)!r}): {len(self)} videos, {self.pixels.shape} frames"


def _changed_source(item: Item) -> str:
    try:
        if source_sha256(item.stamp.source) != item.sha256:
            return f"{item.name}: {item.stamp.source} changed since it was decoded"
    except OSError as error:
        return f"{item.name}: {item.stamp.source} cannot be read ({error.strerror})"
    return ""


def _some(names: list[str], most: int = 5) -> str:
    """The first few names, and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
