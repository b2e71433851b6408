"""Images with keypoints, resident on the device: annotated frames of videos, or images with masks."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from echolib.data.errors import DataError, Faults
from echolib.data.letterbox import letterbox
from echolib.data.loaders.clips import split_rows
from echolib.data.loaders.images import ATRIUM, LEFT_VENTRICLE, MaskedImages
from echolib.data.sampling import Normalisation
from echolib.data.selection import Dataset
from echolib.geometry.keypoints import apical_keypoints


@dataclass(frozen=True)
class PointedImages:
    """images: uint8 (items, H, W) as stored; points: float32 (items, K, 2) x, y in stored pixels; items: one row
    per image.

    items: name, person (video), split, phase, frame, cm_per_px of a native pixel, scale (stored pixels to a native
    one) and row_mm, column_mm of a stored pixel.
    """

    items: pd.DataFrame
    images: Tensor
    points: Tensor
    normalise: Normalisation
    of_split: dict[str, Tensor]

    @classmethod
    def of(cls, dataset: Dataset, device: torch.device) -> "PointedImages":
        """`load`, kept for the next experiment on the same dataset."""
        key = ("pointed images", str(device))
        if key not in dataset.derived:
            dataset.derived[key] = cls.load(dataset, device)
        return dataset.derived[key]

    @classmethod
    def load(cls, dataset: Dataset, device: torch.device) -> "PointedImages":
        """Every frame with keypoints. Raises DataError where the dataset has none, or one is past its video's end."""
        entry, frames = dataset.entry, dataset.frames
        if "keypoints" not in dataset.tables:
            raise DataError(f"{entry.title} has no keypoints: choose another dataset")
        keypoints = dataset.tables["keypoints"].reset_index(drop=True)
        videos = np.array([frames.index[name] for name in keypoints["video"]], dtype="int64")
        faults = Faults(f"frames of {dataset.name}", f"correct or remove these rows of {', '.join(entry.label_files)}")
        for row in keypoints[keypoints["frame"].to_numpy() >= frames.counts[videos]].itertuples():
            faults.add(f"Frame {row.frame} of {row.video} is past its last one")
        faults.raise_any()
        # From the file: all frames of all videos are a hundred times as many as the annotated ones.
        images = np.asarray(frames.pixels[frames.starts[videos] + keypoints["frame"].to_numpy()])
        size = (frames.height, frames.width)
        boxes = [letterbox(height, width, size) for height, width in frames.native_sizes[videos]]
        points = [box.apply_points(native) for box, native in zip(boxes, keypoints["points"], strict=True)]
        items = keypoints[["video", "split", "frame", "phase", "cm_per_px"]].rename(columns={"video": "person"})
        items.insert(0, "name", items["person"] + "_" + items["phase"])
        items["scale"] = [box.scale for box in boxes]
        items["row_mm"] = items["column_mm"] = 10 * items["cm_per_px"] / items["scale"]
        of_split = split_rows(items, device)
        pixels = torch.as_tensor(images, device=device)
        labels = torch.as_tensor(np.array(points, "float32").reshape(-1, len(entry.keypoints), 2), device=device)
        normalise = Normalisation.from_frames(pixels[of_split["train"]], frames.lookup)
        return cls(items, pixels, labels, normalise, of_split)


def derived_points(dataset: Dataset, stored: MaskedImages) -> Tensor:
    """Apex and annulus ends of apical images from their masks: float32 (items, 3, 2) x, y in stored pixels, NaN where
    there is no ventricle; kept for the next experiment on the same dataset."""
    key = ("apical keypoints", str(stored.labels.device))
    if key not in dataset.derived:
        labels, spacing = stored.labels.cpu().numpy(), stored.items[["row_mm", "column_mm"]].to_numpy()
        points = apical_keypoints(labels == LEFT_VENTRICLE, spacing, labels == ATRIUM)
        dataset.derived[key] = torch.as_tensor(points, dtype=torch.float32, device=stored.labels.device)
    return dataset.derived[key]


def moved_to_size(points: Tensor, stored: int, size: int) -> Tensor:
    """Points in pixels of a square of `stored` pixels -> of the same square resized to `size` pixels."""
    return (points + 0.5) * (size / stored) - 0.5
