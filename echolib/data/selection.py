"""Which images of which dataset, at which size; and a dataset opened, with its tables and its decoded frames."""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny, model_validator

from echolib.data import registry
from echolib.data.dataset_entry import DatasetEntry, Options
from echolib.data.fingerprint import data_fingerprint
from echolib.data.store.frame_store import FrameStore
from echolib.files import write_json


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

    def _tables(self) -> Any:
        return _tables(self.dataset, self.folder, _state(self.dataset, self.folder))


State = tuple[tuple[str, int, int, int], ...]


def _state(dataset: str, folder: Path) -> State:
    """Sizes and times of label files and image folders: equal as long as nobody wrote to them. Costs milliseconds."""
    entry = registry.entry(dataset)
    patterns = (*entry.label_files, *entry.image_folders)
    paths = [path for pattern in patterns for path in sorted(folder.glob(pattern)) if path.exists()]
    facts = ((path, os.stat(path)) for path in paths)
    return tuple((str(path), status.st_size, status.st_mtime_ns, status.st_ctime_ns) for path, status in facts)


@lru_cache(maxsize=8)
def _tables(dataset: str, folder: Path, state: State) -> Any:
    return registry.entry(dataset).reader(folder)


@lru_cache(maxsize=256)
def _fingerprint(selection: DataSelection, state: State) -> str:
    tables = selection._tables()
    further = [getattr(tables, name) for name in selection.entry.tables]
    return data_fingerprint(selection.model_dump_json(), selection.items(), further)


@lru_cache(maxsize=8)
def _open(selection: DataSelection, cache: Path, state: State) -> Dataset:
    entry, items = selection.entry, selection.items()
    described = f"{selection.folder.resolve()} {selection.model_dump_json()}"
    folder = cache / f"{entry.name}-{hashlib.sha256(described.encode()).hexdigest()[:12]}"
    names = items["name"]
    lengths = items["frames"] if "frames" in items else [0] * len(items)
    frames = FrameStore.build(
        folder / "frames",
        dict(zip(names, items["path"], strict=True)),
        read=entry.read_frames,
        size=selection.size,
        expected_frames={name: int(n) for name, n in zip(names, lengths, strict=True) if n > 0},
    )
    masks = None
    if entry.read_labels and "mask_path" in items:
        masks = FrameStore.build(
            folder / "masks",
            dict(zip(names, items["mask_path"], strict=True)),
            read=entry.read_labels,
            size=selection.size,
            interpolation="nearest",
        )
    if entry.read_spacing:
        items = _with_spacing(items, entry.read_spacing, folder / f"spacing-{frames.fingerprint[:12]}.json")
    tables = selection._tables()
    return Dataset(entry.name, items, frames, {name: getattr(tables, name) for name in entry.tables}, masks)


def _with_spacing(items: pd.DataFrame, read: Callable[[str], tuple[float, float]], path: Path) -> pd.DataFrame:
    """Adds row_mm and column_mm from the image headers, read once and kept beside the frames."""
    if not path.exists():
        files = zip(items["name"], items["path"], strict=True)
        write_json(path, {name: read(image) for name, image in files})
    spacing = json.loads(path.read_text())
    row_mm, column_mm = zip(*(spacing[name] for name in items["name"]), strict=True)
    return items.assign(row_mm=row_mm, column_mm=column_mm)
