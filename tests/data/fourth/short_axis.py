"""A made-up fourth dataset, written as a researcher would write one: a reader, an entry, and a writer of its phantom.

A folder holds patients.csv (patient, split, ef_percent), points.csv (patient, frame, x, y) and, by patient, a video and
an image with its mask as NumPy arrays.
"""

from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from echolib.data.checks import read_csv
from echolib.data.dataset_entry import DatasetEntry, Options

SIZE, FRAMES = 24, 12
FOLDERS = ("arrays",)


class ShortAxis:
    """patients, one row per patient; keypoints, one row per pointed frame."""

    def __init__(self, root):
        self.root = Path(root)
        self.patients = read_csv(self.root / "patients.csv", ["patient", "split", "ef_percent"])
        points = read_csv(self.root / "points.csv", ["patient", "frame", "x", "y"])
        self.keypoints = pd.DataFrame({"video": points["patient"], "frame": points["frame"], "phase": "ED"})
        self.keypoints["split"] = points["patient"].map(self.patients.set_index("patient")["split"])
        self.keypoints["points"] = list(points[["x", "y"]].to_numpy("float32")[:, None])
        self.keypoints["cm_per_px"] = 0.1


class ShortAxisOptions(Options):
    """What of each patient."""

    what: Literal["videos", "images"] = "videos"


def _items(tables: ShortAxis, options: ShortAxisOptions) -> pd.DataFrame:
    people = tables.patients["patient"]

    def paths(kind: str) -> list[str]:
        return [str(tables.root / "arrays" / f"{name}_{kind}.npy") for name in people]

    items = tables.patients.assign(name=people, person=people, path=paths(options.what[:-1]))
    if options.what == "videos":
        return items.assign(frames=FRAMES, fps=30.0)
    return items.assign(mask_path=paths("mask"), view="SAX", phase="ED", quality="")


ENTRY = DatasetEntry(
    name="short_axis",
    title="Short Axis",
    licence="made up",
    citation="nobody, never",
    layout="patients.csv, points.csv and arrays/*.npy",
    reader=ShortAxis,
    label_files=("patients.csv", "points.csv"),
    image_folders=FOLDERS,
    items=_items,
    options=ShortAxisOptions,
    tables=("keypoints",),
    structures=("lv",),
    keypoints=("middle",),
    read_frames=np.load,
    read_labels=np.load,
    phantom=__name__,
)


def draw_cohort(seed: int, count: int) -> list[tuple[str, str, float]]:
    """Name, split and EF of each patient."""
    splits = ("train", "val", "test")
    return [(f"P{number}", splits[number % 3], 40.0 + number) for number in range(count)]


def write_item(folder: Path, cohort: list, index: int, seed: int, bank) -> list:
    """A disc that shrinks; its mask in the first frame; its middle."""
    rows, columns = np.mgrid[:SIZE, :SIZE]
    distance = np.hypot(rows - 10 - index % 3, columns - 12)
    video = np.stack([np.where(distance < 8 - 0.3 * frame, 200, 30 + index) for frame in range(FRAMES)]).astype("uint8")
    name = cohort[index][0]
    np.save(folder / "arrays" / f"{name}_video.npy", video)
    np.save(folder / "arrays" / f"{name}_image.npy", video[:1])
    np.save(folder / "arrays" / f"{name}_mask.npy", (distance < 8).astype("uint8")[None])
    return [*cohort[index], 10 + index % 3]


def write_tables(folder: Path, truth: Path, rows: list) -> None:
    """The two tables; nothing is known beyond them."""
    table = pd.DataFrame(rows, columns=["patient", "split", "ef_percent", "y"])
    table[["patient", "split", "ef_percent"]].to_csv(folder / "patients.csv", index=False)
    table.assign(frame=2, x=12)[["patient", "frame", "x", "y"]].to_csv(folder / "points.csv", index=False)
