"""Images with masks, resident on the device: traced frames of videos, or images with label images beside them."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor

from echolib.data.errors import DataError
from echolib.data.letterbox import letterbox
from echolib.data.sampling import Normalisation, ResidentFrames
from echolib.data.selection import DataSelection, Dataset
from echolib.geometry.tracings import tracing_mask
from echolib.metrics.masks import mean_mask_dice

LEFT_VENTRICLE, MYOCARDIUM, ATRIUM = 1, 2, 3
MILLIMETRES = ["row_mm", "column_mm"]
STRUCTURES = {
    "lv": (LEFT_VENTRICLE,),
    "epicardium": (LEFT_VENTRICLE, MYOCARDIUM),  # what the outer wall encloses, as CAMUS scores it
    "atrium": (ATRIUM,),
}


@dataclass(frozen=True)
class MaskedImages:
    """images, labels: uint8 (items, H, W) as stored, labels 0 to 3; items: one row per image.

    items: name, person (video or patient), split, phase ("ED", "ES") and row_mm, column_mm of a stored pixel (NaN
    where the dataset does not say); of images with label images also view, quality and scale, stored pixels to a native
    one.
    """

    items: pd.DataFrame
    images: Tensor
    labels: Tensor
    normalise: Normalisation
    of_split: dict[str, Tensor]
    sizes: dict[int, tuple[Tensor, Tensor]] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, dataset: Dataset, device: torch.device) -> "MaskedImages":
        """`load`, kept for the next experiment on the same dataset: the many short trainings of a table read it."""
        key = ("masked images", str(device))
        if key not in dataset.derived:
            dataset.derived[key] = cls.load(dataset, device)
        return dataset.derived[key]

    @classmethod
    def load(cls, dataset: Dataset, device: torch.device) -> "MaskedImages":
        """Every image of `dataset` that has a mask. Raises DataError where it has neither masks nor tracings."""
        if dataset.masks is None and "tracings" not in dataset.tables:
            raise DataError(f"{dataset.entry.title} has no masks here: choose images with masks, or another dataset")
        labelled = _traced_frames if dataset.masks is None else _labelled_images
        items, images, labels = labelled(dataset, device)
        split = items["split"].to_numpy()
        of_split = {
            name: torch.as_tensor(np.flatnonzero(split == name), device=device) for name in ("train", "val", "test")
        }
        normalise = Normalisation.from_frames(images[of_split["train"]], dataset.frames.lookup)
        return cls(items, images, labels, normalise, of_split)

    def resized(self, size: int) -> tuple[Tensor, Tensor]:
        """Images (area averages) and labels (nearest) at size x size pixels, uint8; kept for the next call."""
        if size not in self.sizes:
            self.sizes[size] = resize_images(self.images, size), resize_labels(self.labels, size)
        return self.sizes[size]

    def mean_mask_dice(self, rows: Tensor, structures: tuple[str, ...]) -> Tensor:
        """Dice (rows, structures), at the stored size, of one mask for every image: the mean of the training ones."""
        of_structure = [
            mean_mask_dice(*(structure_targets(self.labels[part], (name,)) for part in (self.of_split["train"], rows)))
            for name in structures  # one after the other: together they would not fit into memory
        ]
        return torch.cat(of_structure, 1)


def resize_images(images: Tensor, size: int) -> Tensor:
    """uint8 (N, H, W) -> uint8 (N, size, size) by area averaging, or linear interpolation where images grow."""
    if tuple(images.shape[-2:]) == (size, size):
        return images
    mode = "bilinear" if size > max(images.shape[-2:]) else "area"
    resized = [
        F.interpolate(part.unsqueeze(1).float(), size=(size, size), mode=mode).round_().to(torch.uint8).squeeze(1)
        for part in images.split(256)
    ]
    return torch.cat(resized)


def resize_labels(labels: Tensor, size: int) -> Tensor:
    """uint8 (N, H, W) -> uint8 (N, size, size), the nearest label."""
    if tuple(labels.shape[-2:]) == (size, size):
        return labels
    return torch.cat(
        [
            F.interpolate(part.unsqueeze(1), size=(size, size), mode="nearest-exact").squeeze(1)
            for part in labels.split(256)
        ]
    )


def structure_targets(labels: Tensor, structures: tuple[str, ...]) -> Tensor:
    """uint8 labels (N, H, W) -> bool (N, structures, H, W)."""
    return torch.stack([torch.isin(labels, labels.new_tensor(STRUCTURES[name])) for name in structures], dim=1)


def expected_images(selection: DataSelection) -> int:
    """Training images with masks, from the tables alone."""
    if "tracings" not in selection.entry.tables:
        return selection.expected_items()
    if not selection.is_here:
        return 2 * selection.expected  # ED and ES
    items = selection.items()
    return int(items.loc[items["split"] == "train", "traced"].clip(upper=2).sum())


def _traced_frames(dataset: Dataset, device: torch.device) -> tuple[pd.DataFrame, Tensor, Tensor]:
    """ED and ES frames of videos with the left ventricle drawn from the tracing."""
    tracings, videos = dataset.tables["tracings"], dataset.items[["name", "split", "ef_percent"]]
    tracings = tracings[tracings["phase"].isin(["ED", "ES"])].merge(
        videos.rename(columns={"name": "video"}), on="video", validate="many_to_one"
    )
    frames, height, width = dataset.frames, dataset.frames.height, dataset.frames.width
    first = frames.starts[[frames.index[name] for name in tracings["video"]]]
    index = torch.as_tensor(first + tracings["frame"].to_numpy(), device=device)
    images = ResidentFrames.from_store(frames, device).gather(index)
    masks = np.stack([tracing_mask(tracing, height, width) for tracing in tracings["tracing"]])
    items = tracings[["video", "split", "phase", "frame", "ef_percent"]].rename(columns={"video": "person"})
    items["name"] = items["person"] + "_" + items["phase"]
    items[MILLIMETRES] = np.nan
    labels = torch.as_tensor(masks.astype(np.uint8), device=device)  # LEFT_VENTRICLE is 1
    return items.reset_index(drop=True), images, labels


def _labelled_images(dataset: Dataset, device: torch.device) -> tuple[pd.DataFrame, Tensor, Tensor]:
    """Images with a label image each. Raises ValueError where the dataset has none."""
    if dataset.masks is None:
        raise ValueError(f"{dataset.name} has no label images")
    columns = ("name", "person", "split", "view", "phase", "quality", "ef_percent", "row_mm", "column_mm")
    items = dataset.items.reindex(columns=[name for name in columns if name in dataset.items or name in MILLIMETRES])
    size = (dataset.frames.height, dataset.frames.width)
    scale = np.array([letterbox(height, width, size).scale for height, width in dataset.frames.native_sizes])
    items["scale"] = scale
    items[MILLIMETRES] = items[MILLIMETRES].div(scale, axis=0)  # of a stored pixel now
    # A store lays its frames down in the order in which they were decoded: `starts` says where each item's lies.
    stores = (ResidentFrames.from_store(store, device) for store in (dataset.frames, dataset.masks))
    images, labels = (store.gather(store.starts) for store in stores)
    return items, images, labels
