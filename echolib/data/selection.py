"""Which images of which dataset, at which size; and a dataset opened, with its tables and its decoded frames."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny, model_validator

from echolib.data import registry
from echolib.data.checksums import SUMS, Checksums
from echolib.data.dataset_entry import DatasetEntry, Options
from echolib.data.errors import DataError
from echolib.data.fingerprint import data_fingerprint
from echolib.data.sources import source_sha256
from echolib.data.store.decoding import Expected
from echolib.data.store.frame_store import FrameStore
from echolib.data.store.manifest import Item, Stamp, read_manifest
from echolib.sealed import read_sealed, write_sealed


@dataclass(frozen=True)
class Dataset:
    """Tables and frames of a selection. `items` has one row per video or image, in the order of the frame store.

    items: as the dataset's entry describes them; with `row_mm` and `column_mm`, the size of a native pixel, where the
    files say it. tables: the reader's further ones, by name. masks: label images, where the items have them.
    """

    name: str
    items: pd.DataFrame
    frames: FrameStore
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    masks: FrameStore | None = None
    derived: dict = field(default_factory=dict, compare=False, repr=False)  # what was once made of it in this process

    @property
    def entry(self) -> DatasetEntry:
        """What is known of the dataset."""
        return registry.entry(self.name)


class DataSelection(BaseModel):
    """Which dataset lies in which folder, which of its images are wanted, and the frame size to keep them at."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str
    folder: Path = Field(exclude=True)  # where it lies is no part of what it is
    size: tuple[int, int] | None = None  # (rows, columns); None: as it is
    options: SerializeAsAny[Options] = Options()  # of the class that the dataset's entry names
    expected: int = Field(default=0, ge=0, exclude=True)  # training videos or patients of a phantom not yet written

    @model_validator(mode="before")
    @classmethod
    def _with_options_of_the_dataset(cls, values: Any) -> Any:
        if isinstance(values, dict) and isinstance(values.get("dataset"), str):
            chosen = values.get("options", {})
            chosen = chosen.model_dump() if isinstance(chosen, Options) else chosen
            values = values | {"options": registry.entry(values["dataset"]).options.model_validate(chosen)}
        return values

    @property
    def entry(self) -> DatasetEntry:
        """What is known of the dataset."""
        return registry.entry(self.dataset)

    @property
    def is_here(self) -> bool:
        """Whether the folder exists."""
        return self.folder.is_dir()

    def choosing(self, **options: object) -> "DataSelection":
        """The same selection with other options. Raises ValidationError for one that the dataset does not have."""
        chosen = self.entry.options.model_validate(self.options.model_dump() | options)
        return self.model_copy(update={"options": chosen})

    def items(self) -> pd.DataFrame:
        """The rows of `Dataset.items` without decoding a frame (and without pixel sizes)."""
        return self.entry.rows(self._tables(), self.options)

    def expected_items(self) -> int:
        """Training items: counted where the folder exists, else those of the `expected` videos or patients."""
        if not self.is_here:
            return self.expected * self.entry.items_per_person(self.options)
        return int((self.items()["split"] == "train").sum())

    def fingerprint(self) -> str:
        """What the data are, from the tables alone: no frame is decoded. See `data_fingerprint`.

        Asked again in this process it is remembered, as long as no label file and no folder of images was written.
        Raises DataError where the folder cannot be read.
        """
        return _fingerprint(self, _state(self.dataset, self.folder))

    def open(self, cache: Path) -> Dataset:
        """Reads the tables and decodes the frames, once: later calls in this process return the same object."""
        return _open(self, Path(cache), _state(self.dataset, self.folder))

    def sources(self, cache: Path) -> str:
        """SHA-256 over names and content of the image files, from the hashes their frame store keeps; "" without one.

        Nothing is written or decoded; a file that was touched since is hashed. Remembered as `fingerprint` is.
        """
        return _sources(self, Path(cache), _state(self.dataset, self.folder))

    def _tables(self) -> Any:
        return _tables(self.dataset, self.folder, _state(self.dataset, self.folder))


State = tuple[tuple[str, int, int, int], ...]


def _state(dataset: str, folder: Path) -> State:
    """Sizes and times of label files and image folders: equal as long as nobody wrote to them. Costs milliseconds."""
    entry = registry.entry(dataset)
    patterns = (*entry.label_files, *entry.image_folders, SUMS)
    paths = [path for pattern in patterns for path in sorted(folder.glob(pattern)) if path.exists()]
    facts = ((path, os.stat(path)) for path in paths)
    return tuple((str(path), status.st_size, status.st_mtime_ns, status.st_ctime_ns) for path, status in facts)


@lru_cache(maxsize=8)
def _tables(dataset: str, folder: Path, state: State) -> Any:
    entry = registry.entry(dataset)
    labels = (path for pattern in entry.label_files for path in sorted(folder.glob(pattern)))
    Checksums(folder).check(labels)
    return entry.reader(folder)


@lru_cache(maxsize=256)
def _fingerprint(selection: DataSelection, state: State) -> str:
    tables = selection._tables()
    further = [getattr(tables, name) for name in selection.entry.tables]
    return data_fingerprint(selection.model_dump_json(), selection.items(), further)


def _store(selection: DataSelection, cache: Path) -> Path:
    """Where the frames of a selection lie decoded: the same place for every way to split them."""
    defaults = {name: selection.entry.options.model_fields[name].default for name in selection.entry.split_options}
    described = f"{selection.folder.resolve()} {selection.choosing(**defaults).model_dump_json()}"
    return cache / f"{selection.dataset}-{hashlib.sha256(described.encode()).hexdigest()[:12]}"


@lru_cache(maxsize=256)
def _sources(selection: DataSelection, cache: Path, state: State) -> str:
    store = _store(selection, cache)
    hashes = [*_source_hashes(store / "frames"), *_source_hashes(store / "masks")]
    return hashlib.sha256("\n".join(hashes).encode()).hexdigest() if hashes else ""


def _source_hashes(store: Path) -> list[str]:
    """Name and hash of each source of a store, as it is now; none where there is no finished store."""
    try:
        items = read_manifest(store).items
    except DataError:
        return []
    return [f"{item.name} {_hash_now(item)}" for item in items]


def _hash_now(item: Item) -> str:
    try:
        untouched = Stamp.of(item.stamp.source) == item.stamp
        return item.sha256 if untouched else source_sha256(item.stamp.source)
    except OSError:
        return "missing"


@lru_cache(maxsize=8)
def _open(selection: DataSelection, cache: Path, state: State) -> Dataset:
    entry, items, folder = selection.entry, selection.items(), _store(selection, cache)
    frames = FrameStore.build(
        folder / "frames",
        dict(zip(items["name"], items["path"], strict=True)),
        read=entry.read_frames,
        size=selection.size,
        expected=_expected(items, Checksums(selection.folder)),
    )
    masks = None
    if entry.read_labels and "mask_path" in items:
        masks = FrameStore.build(
            folder / "masks",
            dict(zip(items["name"], items["mask_path"], strict=True)),
            read=entry.read_labels,
            size=selection.size,
            interpolation="nearest",
            expected=_expected(items[["name", "mask_path"]], Checksums(selection.folder), "mask_path"),
        )
    if entry.read_spacing:
        items = _with_spacing(items, entry.read_spacing, folder / f"spacing-{frames.fingerprint[:12]}.json")
    tables = selection._tables()
    return Dataset(entry.name, items, frames, {name: getattr(tables, name) for name in entry.tables}, masks)


def _expected(items: pd.DataFrame, sums: Checksums, path: str = "path") -> dict[str, Expected]:
    """What the tables say of each item's file: frames, native size and hash, where they say it."""
    expected = {}
    for row in items.to_dict("records"):
        frames = int(row["frames"]) if row.get("frames", 0) > 0 else None
        size = (int(row["height"]), int(row["width"])) if row.get("height", 0) > 0 else None
        expected[row["name"]] = Expected(frames, size, sums.expected(row[path]))
    return expected


def _with_spacing(items: pd.DataFrame, read: Callable[[str], tuple[float, float]], path: Path) -> pd.DataFrame:
    """Adds row_mm and column_mm from the image headers, read once and kept beside the frames."""
    try:
        spacing = read_sealed(path)
    except (OSError, ValueError):  # not read yet, or damaged
        spacing = {name: read(image) for name, image in zip(items["name"], items["path"], strict=True)}
        write_sealed(path, spacing)
    row_mm, column_mm = zip(*(spacing[name] for name in items["name"]), strict=True)
    return items.assign(row_mm=row_mm, column_mm=column_mm)
