"""What one dataset gives to multi-task learning: images at one size with masks, keypoints, or both."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd
import torch
from torch import Tensor

from echolib.data.loaders.images import MaskedImages, resize_images, structure_targets
from echolib.data.loaders.keypoints import PointedImages, derived_points, moved_to_size
from echolib.data.sampling import Normalisation, crop_offsets, shift_crop
from echolib.data.selection import Dataset
from echolib.shapes import Items

LARGEST_SHIFT = 1 / 32  # of the image's side
BRIGHTNESS = 0.15  # standard deviation of the gain, and of the offset in standard deviations of the grey levels


class LabelledBatch(NamedTuple):
    """images: float (batch, 3, H, W), or uint8 (batch, H, W) before normalisation. targets: bool (batch, structures, H,
    W), of which `known` (batch, structures) are labels; points: (batch, K, 2) x, y in pixels, NaN where unlabelled."""

    images: Tensor
    targets: Tensor
    known: Tensor
    points: Tensor


@dataclass(frozen=True)
class LabelledSet:
    """One dataset at the training size. images: uint8 (items, size, size); targets: bool (items, labelled structures,
    size, size); structures: the positions of those among all of the task's; points: (items, K, 2) x, y in pixels, NaN
    where unlabelled; stored: masks and images as they lie on disk, on which Dice is scored (None without masks).

    items: name, person, split, phase, frame or view; input_scale (pixels of the input to a native one), input_row_mm
    and input_column_mm of a pixel of the input.
    """

    name: str
    items: pd.DataFrame
    images: Tensor
    targets: Tensor
    structures: tuple[int, ...]
    points: Tensor
    normalise: Normalisation
    of_split: dict[str, Tensor]
    stored: MaskedImages | None

    @property
    def has_points(self) -> bool:
        """Whether any image carries a keypoint."""
        return bool(self.points.isfinite().any())

    def labels(self, rows: Tensor, structures: int) -> LabelledBatch:
        """Images as they are, with their labels among all `structures` of the task."""
        targets = self.targets.new_zeros(len(rows), structures, *self.targets.shape[-2:])
        known = self.targets.new_zeros(len(rows), structures)
        targets[:, list(self.structures)], known[:, list(self.structures)] = self.targets[rows], True
        return LabelledBatch(self.images[rows], targets, known, self.points[rows])

    def augmented(self, rows: Tensor, structures: int, generator: torch.Generator) -> LabelledBatch:
        """Each image normalised, shifted by up to a thirty-second of its side and changed in gain and brightness."""
        batch = self.labels(rows, structures)
        offsets = crop_offsets(len(rows), int(LARGEST_SHIFT * self.images.shape[-1]), generator)
        images = self.normalise(shift_crop(batch.images, offsets))
        gain, level = BRIGHTNESS * torch.randn(2, len(rows), 1, 1, 1, generator=generator, device=images.device)
        points = batch.points - offsets.flip(1).unsqueeze(1)
        return LabelledBatch(images * (1 + gain) + level, shift_crop(batch.targets, offsets), batch.known, points)


def items_in_turns(available: Mapping[str, int], turns: Sequence[str], count: int, generator: torch.Generator) -> Items:
    """`count` training items of datasets that give one each in `turns`, over and over; items are numbered dataset after
    dataset, `available` of each, and are seen in whole passes.

    The order of a dataset's items depends on the generator and its name alone: a method that learns from fewer datasets
    sees the same items of those as one that learns from more.
    """
    names = list(available)
    pattern = torch.tensor([names.index(turn) for turn in turns])
    which = pattern.repeat(-(-count // len(turns)))[:count].to(generator.device)
    draw = int(torch.randint(2**31, (1,), generator=generator, device=generator.device))
    items, first = torch.empty_like(which), 0
    for number, (name, size) in enumerate(available.items()):
        own = torch.Generator(generator.device).manual_seed(draw + zlib.crc32(name.encode()))
        passes = -(-int((which == number).sum()) // size)
        order = [torch.randperm(size, generator=own, device=own.device) for _ in range(max(1, passes))]
        items[which == number] = first + torch.cat(order)[: int((which == number).sum())]
        first += size
    return items


def masked_set(
    dataset: Dataset, size: int, structures: tuple[str, ...], keypoints: int, device: torch.device, *, derived: bool
) -> LabelledSet:
    """A dataset with masks; derived: with the keypoints found in its masks."""
    stored = MaskedImages.of(dataset, device)
    images, labels = stored.resized(size)
    labelled = tuple(i for i, name in enumerate(structures) if name in dataset.entry.structures)
    side = stored.images.shape[-1]
    items = stored.items.copy()
    items["input_row_mm"], items["input_column_mm"] = items["row_mm"] * side / size, items["column_mm"] * side / size
    items["input_scale"] = items["scale"] * size / side if "scale" in items else float("nan")
    targets = structure_targets(labels, tuple(structures[i] for i in labelled))
    points = torch.full((len(items), keypoints, 2), torch.nan, device=device)
    if derived:
        points = moved_to_size(derived_points(dataset, stored), side, size)
    normalise, of_split = stored.normalise, stored.of_split
    return LabelledSet(dataset.name, items, images, targets, labelled, points, normalise, of_split, stored)


def pointed_set(dataset: Dataset, size: int, device: torch.device) -> LabelledSet:
    """A dataset with keypoints."""
    pointed = PointedImages.of(dataset, device)
    side = pointed.images.shape[-1]
    items = pointed.items.copy()
    items["input_row_mm"] = items["input_column_mm"] = items["row_mm"] * side / size
    items["input_scale"] = items["scale"] * size / side
    images, points = resize_images(pointed.images, size), moved_to_size(pointed.points, side, size)
    targets = torch.zeros(len(items), 0, size, size, dtype=torch.bool, device=device)
    return LabelledSet(dataset.name, items, images, targets, (), points, pointed.normalise, pointed.of_split, None)
