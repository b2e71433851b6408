"""Segmentation of the left ventricle (and of CAMUS's other structures) from single frames, with all labels."""

from typing import Literal

import torch.nn.functional as F
from torch import nn

from echolib.losses.overlap import soft_dice_loss
from echolib.shapes import Images, MaskTargets, Scalar
from echolib.tasks.masks_from_images import MasksFromImages


class Segmentation(MasksFromImages):
    """Binary cross-entropy on each structure's mask.

    objective: "bce_sum" is EchoNet-Dynamic's (summed over pixels, mean over the batch), "bce" the mean over pixels,
    "bce_dice" that mean plus one minus soft Dice.
    """

    objective: Literal["bce", "bce_sum", "bce_dice"] = "bce_sum"

    def loss(self, model: nn.Module, batch: tuple[Images, MaskTargets]) -> Scalar:
        images, targets = batch
        logits, targets = model(images).float(), targets.float()
        if self.objective == "bce_sum":
            return F.binary_cross_entropy_with_logits(logits, targets, reduction="sum") / len(images)
        mean = F.binary_cross_entropy_with_logits(logits, targets)
        return mean if self.objective == "bce" else mean + soft_dice_loss(logits, targets)
