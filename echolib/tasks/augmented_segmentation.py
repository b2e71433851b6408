"""Segmentation of one's own recipe: strong augmentation, every image normalised by itself, turned copies at test."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from echolib.data.augmentation import OUTSIDE, Strength, affine_maps, moved, recoloured, sector_normalised
from echolib.data.loaders.clips import in_chunks
from echolib.engine.task import Parent
from echolib.losses.overlap import soft_dice_loss
from echolib.shapes import Images, Items, MaskTargets, Scalar
from echolib.tasks.masks_from_images import SegmentationData
from echolib.tasks.segmentation_of_few_labels import SegmentationOfFewLabels

STRENGTH = Strength()


class AugmentedSegmentation(SegmentationOfFewLabels):
    """Mean binary cross-entropy plus soft Dice on images that are turned, scaled, shifted and recoloured.

    test_turns_deg: the logits of copies of a test image, turned by these angles, are turned back and averaged. Parent
    "segmenter", where there is one: a task of the same network, from whose weights it starts.
    """

    test_turns_deg: tuple[float, ...] = (-8.0, 0.0, 8.0)

    def build(self, data: SegmentationData, parents: Mapping[str, Parent]) -> tuple[nn.Module, str]:
        model, start = super().build(data, parents)
        if "segmenter" in parents:
            model.load_state_dict(parents["segmenter"].weights)
            start = parents["segmenter"].folder.name
        return model, start

    def batch(self, data: SegmentationData, items: Items, generator: torch.Generator) -> tuple[Images, MaskTargets]:
        chosen = data.stored.of_split["train"][items]
        return self.augmented(data.images[chosen], data.targets[chosen], generator)

    def augmented(self, images: Tensor, targets: Tensor, generator: torch.Generator) -> tuple[Images, MaskTargets]:
        """uint8 (batch, size, size) and bool (batch, structures, size, size), changed at random, as the network takes
        them."""
        maps = affine_maps(len(images), STRENGTH, generator)
        grey = moved(images.unsqueeze(1).float() / 255, maps).squeeze(1)
        return as_input(recoloured(grey, STRENGTH, generator)), moved(targets.float(), maps) > 0.5

    def loss(self, model: nn.Module, batch: tuple[Images, MaskTargets]) -> Scalar:
        images, targets = batch
        logits, targets = model(images).float(), targets.float()
        return nn.functional.binary_cross_entropy_with_logits(logits, targets) + soft_dice_loss(logits, targets)

    def logits(self, model: nn.Module, data: SegmentationData, items: Items) -> Tensor:
        """At the training size, without turns: float (items, structures, size, size)."""
        return in_chunks(lambda part: model(as_input(part.float() / 255)).float(), data.images[items])

    def test_logits(self, model: nn.Module, data: SegmentationData, images: Tensor) -> Tensor:
        """The mean over turned copies, each turned back: uint8 (batch, size, size) -> (batch, structures, ...)."""
        inputs, turned = as_input(images.float() / 255), []
        for degrees in self.test_turns_deg:
            there, back = (turns(len(images), angle, images.device) for angle in (degrees, -degrees))
            turned.append(moved(model(moved(inputs - OUTSIDE, there) + OUTSIDE).float(), back))
        return torch.stack(turned).mean(0)


def as_input(grey: Tensor) -> Images:
    """Grey levels (batch, H, W) in 0 to 1 as the network takes them: (batch, 3, H, W)."""
    return sector_normalised(grey).unsqueeze(1).expand(-1, 3, -1, -1)


def turns(count: int, degrees: float, device: torch.device) -> Tensor:
    """Maps (count, 2, 3) that turn images by one angle."""
    angle = math.radians(degrees)
    one = [[math.cos(angle), -math.sin(angle), 0.0], [math.sin(angle), math.cos(angle), 0.0]]
    return torch.tensor(one, device=device).expand(count, 2, 3)
