"""What the package has to know of a dataset, said once: at the end of its module in `data/readers`."""

from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from echolib.data.checks import SPLITS
from echolib.data.errors import DataError
from echolib.data.video import read_video

REQUIRED = ("name", "person", "split", "path")  # columns of every table of items


class Options(BaseModel):
    """What may be chosen of a dataset beside its frame size: nothing, unless its entry names a class of its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def videos_as_items(tables: Any, options: Options) -> pd.DataFrame:
    """The items of a reader whose table `videos` has one row per video, each of another person."""
    return tables.videos.assign(name=tables.videos["video"], person=tables.videos["video"])


@dataclass(frozen=True)
class DatasetEntry:
    """One dataset: what it is called, how its folder is read and decoded, which labels it has, how it is simulated.

    Its items are what a frame store holds, one row per video or image, with the columns name (the store's), person
    (patient, or video where nobody says who is who), split ("train", "val", "test", "" where it is not used) and path.
    Further columns say what else there is: mask_path, a label image of the same size with 0 background, 1 left
    ventricle, 2 myocardium, 3 left atrium; frames, the length of a video (0 or NaN unknown); traced, its number of
    traced frames; ef_percent; phase; view.

    Further tables of the reader are named in `tables`. The loaders know `tracings` (EchoNet-Dynamic's, from which masks
    of the left ventricle are drawn) and `keypoints` (EchoNet-LVH's: video, split, frame, phase, points, cm_per_px).
    """

    name: str  # its module's name, and what a notebook's parameter is called
    title: str  # what people call it, and the name of its folder in a phantom
    licence: str
    citation: str
    layout: str  # what a folder of it looks like
    reader: Callable[[str | PathLike], Any]  # a folder's tables; DataError with every fault
    label_files: tuple[str, ...]  # patterns of the files that the tables are read from
    image_folders: tuple[str, ...]  # patterns of the folders in which videos or images lie
    items: Callable[[Any, Any], pd.DataFrame] = videos_as_items  # of the reader's tables and the options
    items_per_person: Callable[[Any], int] = lambda options: 1  # of these options, where every file is there
    options: type[Options] = Options
    split_options: tuple[str, ...] = ()  # those that only say which split an item is in: its frames are kept once
    tables: tuple[str, ...] = ()  # of the reader, beside its items
    structures: tuple[str, ...] = ()  # that its masks or tracings outline: "lv", "epicardium", "atrium"
    keypoints: tuple[str, ...] = ()  # that its table `keypoints` holds, in this order
    read_frames: Callable[[str], np.ndarray] = read_video  # path -> uint8 (T, H, W)
    read_labels: Callable[[str], np.ndarray] | None = None  # mask_path -> uint8 (T, H, W)
    read_spacing: Callable[[str], tuple[float, float]] | None = None  # path -> pixel (row, column) in mm
    phantom: str = ""  # the module that writes its phantom; "" where it is not simulated

    @property
    def module(self) -> str:
        """The module that reads it, on whose code its tables and pixels rest."""
        return f"echolib.data.readers.{self.name}"

    def rows(self, tables: Any, options: Options) -> pd.DataFrame:
        """The items of a reader's tables, numbered from 0.

        Raises DataError where they break the promise above, and where there are items to learn from but none to
        validate or test with. Folders of unknown splits, or of test items alone, pass.
        """
        items = self.items(tables, options).reset_index(drop=True)
        lacking = [column for column in REQUIRED if column not in items]
        if lacking:
            raise DataError(f"{self.module}: its items have no column {', '.join(lacking)}; add it to their table")
        if not items["name"].is_unique:
            twice = items["name"][items["name"].duplicated()].iloc[0]
            raise DataError(f"{self.module}: two items are called {twice!r}; give each a name of its own")
        splits = set(items["split"])
        empty = [split for split in SPLITS if split not in splits]
        if "train" in splits and empty:
            raise DataError(
                f"{self.title}: {len(items)} items, none of them in the split {' or '.join(empty)}: a network is "
                "chosen on val and judged on test, so put some of those in train there"
            )
        return items
