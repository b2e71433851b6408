"""Segmentation fine-tuned on a fraction of the labels, from a pretrained encoder or from random weights."""

from collections.abc import Mapping

import torch.nn.functional as F
from torch import nn

from echolib.engine.task import Parent
from echolib.models.encoder_transfer import load_encoder
from echolib.shapes import Images, MaskTargets, Scalar
from echolib.tasks.masks_from_images import SegmentationData
from echolib.tasks.segmentation_of_few_labels import SegmentationOfFewLabels


class FineTuning(SegmentationOfFewLabels):
    """Mean binary cross-entropy, nothing frozen, no augmentation (Saeed et al. 2022, Sec. 3.2). The released code draws
    the fraction over single images, and its epochs see each of the chosen ones once.

    Parent "encoder", where there is one: a `Pretraining` of the same network.
    """

    def build(self, data: SegmentationData, parents: Mapping[str, Parent]) -> tuple[nn.Module, str]:
        model, start = super().build(data, parents)
        if "encoder" in parents:
            load_encoder(model, parents["encoder"].weights)
            start = parents["encoder"].folder.name
        return model, start

    def loss(self, model: nn.Module, batch: tuple[Images, MaskTargets]) -> Scalar:
        images, targets = batch
        return F.binary_cross_entropy_with_logits(model(images).float(), targets.float())
