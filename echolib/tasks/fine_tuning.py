"""Segmentation learnt from a fraction of the labels, from a pretrained encoder or from random weights."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from echolib.data.sampling import passes
from echolib.data.selection import DataSelection, Dataset
from echolib.engine.task import Parent
from echolib.models.encoder_transfer import load_encoder
from echolib.shapes import Images, Items, MaskTargets, Scalar
from echolib.tasks.masks_from_images import MasksFromImages, SegmentationData


class FineTuning(MasksFromImages):
    """Mean binary cross-entropy, nothing frozen, no augmentation (Saeed et al. 2022, Sec. 3.2).

    fraction: share of the training labels; the validation split is always whole. Parent "encoder", where there is one:
    a `Pretraining` of the same network. drawn_over "people" takes whole patients (videos), and a smaller fraction of
    the same draw is a part of a larger one; "images" is the released code's way, over single images.

    images_per_epoch: how many images an epoch sees, whatever the fraction, by going through the chosen ones again and
    again, so that few labels do not mean few optimiser steps; None for each of the chosen ones once, as released.
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

    def build(self, data: SegmentationData, parents: Mapping[str, Parent]) -> tuple[nn.Module, str]:
        model, start = super().build(data, parents)
        if "encoder" in parents:
            load_encoder(model, parents["encoder"].weights)
            start = parents["encoder"].folder.name
        return model, start

    def loss(self, model: nn.Module, batch: tuple[Images, MaskTargets]) -> Scalar:
        images, targets = batch
        return F.binary_cross_entropy_with_logits(model(images).float(), targets.float())

    def expected_items(self, selection: DataSelection) -> int:
        return self.images_per_epoch or math.ceil(self.fraction * super().expected_items(selection))
