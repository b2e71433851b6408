"""A dataset on disk, opened: its tables and its decoded frames, with one fingerprint over both."""

import hashlib
import json
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from echolib.data.readers.camus import CAMUS, camus_frames, camus_labels, read_camus
from echolib.data.readers.echonet_dynamic import EchoNetDynamic
from echolib.data.readers.echonet_lvh import EchoNetLVH
from echolib.data.store.frame_store import FrameStore
from echolib.files import write_json

DatasetName = Literal["echonet_dynamic", "camus", "echonet_lvh"]


@dataclass(frozen=True)
class Dataset:
    """Tables and frames of one dataset. `items` has one row a video or image, in the order of the frame store.

    items: `name` (the store's), `split` and the reader's columns; for CAMUS also `row_mm` and `column_mm`, the size
    of a native pixel. tracings, keypoints: the reader's, where it has them. masks: CAMUS labels 0 to 3.
    """

    name: DatasetName
    items: pd.DataFrame
    frames: FrameStore
    fingerprint: str
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    masks: FrameStore | None = None
    derived: dict = field(default_factory=dict, compare=False, repr=False)  # what was once made of it in this process


class Source(BaseModel):
    """Which dataset lies in which folder, and the frame size (rows, columns) to keep it at (None: as it is)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: DatasetName
    folder: Path = Field(exclude=True)  # where it lies is no part of what it is
    size: tuple[int, int] | None = None
    views: tuple[Literal["2CH", "4CH"], ...] = ("4CH",)  # CAMUS only
    sequences: bool = False  # CAMUS only: the sequences without masks, in place of the ED and ES images
    expected: int = Field(default=0, exclude=True)  # training items of a phantom not yet written, for the plan

    def open(self, cache: Path) -> Dataset:
        """Reads the tables and decodes the frames, once: later calls in this process return the same object."""
        return _open(self, Path(cache))

    def items(self) -> pd.DataFrame:
        """The rows of `Dataset.items` without decoding a frame (and without pixel sizes)."""
        return _items(self, _reader(self))

    @property
    def is_here(self) -> bool:
        """Whether the folder exists."""
        return self.folder.is_dir()


def _reader(source: Source) -> EchoNetDynamic | CAMUS | EchoNetLVH:
    readers = {"echonet_dynamic": EchoNetDynamic, "camus": CAMUS, "echonet_lvh": EchoNetLVH}
    return readers[source.dataset](source.folder)


def _items(source: Source, reader) -> pd.DataFrame:
    if source.dataset != "camus":
        return reader.videos.assign(name=reader.videos["video"]).reset_index(drop=True)
    images = reader.images
    if source.sequences:
        usable = images["phase"] == "sequence"
    else:
        usable = images["phase"].isin(["ED", "ES"]) & (images["mask_path"] != "")
    images = images[usable & images["view"].isin(source.views)]
    name = images["patient"] + "_" + images["view"] + "_" + images["phase"]
    return images.assign(name=name).reset_index(drop=True)


@lru_cache(maxsize=8)
def _open(source: Source, cache: Path) -> Dataset:
    reader = _reader(source)
    items = _items(source, reader)
    place = hashlib.sha256(f"{source.folder.resolve()} {source.model_dump_json()}".encode()).hexdigest()[:12]
    folder = cache / f"{source.dataset}-{place}"
    tables, masks = {}, None
    if source.dataset == "camus":
        images = dict(zip(items["name"], items["path"], strict=True))
        frames = FrameStore.build(folder / "frames", images, read=camus_frames, size=source.size)
        if not source.sequences:
            labels = dict(zip(items["name"], items["mask_path"], strict=True))
            nearest = {"size": source.size, "interpolation": "nearest"}
            masks = FrameStore.build(folder / "masks", labels, read=camus_labels, **nearest)
        items = _with_spacing(items, folder / f"spacing-{frames.fingerprint[:12]}.json")
    else:
        videos = dict(zip(items["name"], items["path"], strict=True))
        lengths = {name: int(n) for name, n in zip(items["name"], items["frames"], strict=True) if n == n}
        frames = FrameStore.build(folder / "frames", videos, size=source.size, expected_frames=lengths)
        extra = "tracings" if source.dataset == "echonet_dynamic" else "keypoints"
        tables[extra] = getattr(reader, extra)
    fingerprint = _fingerprint(items, tables, [frames, masks])
    return Dataset(source.dataset, items, frames, fingerprint, tables, masks)


def _with_spacing(items: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Adds row_mm and column_mm from the image headers, read once and kept beside the frames."""
    if not path.exists():
        headers = zip(items["name"], items["path"], strict=True)
        write_json(path, {name: read_camus(image)[1] for name, image in headers})
    spacing = json.loads(path.read_text())
    row_mm, column_mm = zip(*(spacing[name] for name in items["name"]), strict=True)
    return items.assign(row_mm=row_mm, column_mm=column_mm)


def _fingerprint(items: pd.DataFrame, tables: dict[str, pd.DataFrame], stores: list[FrameStore | None]) -> str:
    """Over labels, splits, tracings and pixels; not over where the files lie."""
    digest = hashlib.sha256()
    for store in stores:
        digest.update(store.fingerprint.encode() if store else b"-")
    for table in (items, *tables.values()):
        for column in table.columns:
            if column in ("path", "mask_path"):
                continue
            digest.update(column.encode())
            for value in table[column]:
                digest.update(value.tobytes() if hasattr(value, "tobytes") else repr(value).encode())
    return digest.hexdigest()
