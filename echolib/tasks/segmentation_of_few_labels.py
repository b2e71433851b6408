"""Segmentation learnt from a fraction of the labels, whatever the loss."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Literal

import numpy as np
import torch
from pydantic import Field, PositiveInt
from torch import Tensor

from echolib.data.sampling import passes
from echolib.data.selection import DataSelection, Dataset
from echolib.engine.task import Parent
from echolib.shapes import Items
from echolib.tasks.masks_from_images import MasksFromImages, SegmentationData


class SegmentationOfFewLabels(MasksFromImages):
    """fraction: share of the training labels; the validation split is always whole. drawn_over "people" takes whole
    patients (videos), and a smaller fraction of the same draw is a part of a larger one; "images" takes single ones.

    images_per_epoch: how many images an epoch sees, whatever the fraction, by going through the chosen ones again and
    again, so that few labels do not mean few optimiser steps; None for each of the chosen ones once.
    """

    fraction: float = Field(default=1.0, gt=0, le=1)
    images_per_epoch: PositiveInt | None = None
    draw: int = 0
    drawn_over: Literal["people", "images"] = "people"

    def load(
        self, datasets: Mapping[str, Dataset], parents: Mapping[str, Parent], device: torch.device
    ) -> SegmentationData:
        data = super().load(datasets, parents, device)
        kept = self.chosen(data.stored.items, data.stored.of_split["train"])
        return replace(data, stored=replace(data.stored, of_split=data.stored.of_split | {"train": kept}))

    def chosen(self, items, train: Tensor) -> Tensor:
        """The rows of the training images whose labels are used."""
        of_train = items.iloc[train.cpu()]
        unit = of_train["person" if self.drawn_over == "people" else "name"]
        names = np.sort(unit.unique())
        count = max(1, math.ceil(self.fraction * len(names) - 1e-9))
        kept = np.random.default_rng([self.draw, 7]).permutation(names)[:count]
        return train[torch.as_tensor(unit.isin(kept).to_numpy(copy=True), device=train.device)]

    def epoch(self, data: SegmentationData, batch_size: int, generator: torch.Generator) -> Iterator[Items]:
        if self.images_per_epoch is None:
            return super().epoch(data, batch_size, generator)
        return iter(passes(self.training_items(data), self.images_per_epoch, generator).split(batch_size))

    def expected_items(self, selection: DataSelection) -> int:
        return self.images_per_epoch or math.ceil(self.fraction * super().expected_items(selection))
