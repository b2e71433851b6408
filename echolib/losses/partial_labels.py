"""Losses on masks and heat maps that count only where a label exists."""

import torch.nn.functional as F
from jaxtyping import Bool
from torch import Tensor

from echolib.losses.overlap import soft_dice_loss
from echolib.shapes import KeypointMaps, MaskLogits, MaskTargets, Scalar


def mask_loss(logits: MaskLogits, targets: MaskTargets, known: Bool[Tensor, "batch structure"]) -> Scalar:
    """Soft Dice loss + binary cross-entropy of logits and bool targets (batch, structures, H, W), mean over those pairs
    of image and structure that are known (batch, structures); 0 where none is."""
    logits, targets = logits[known].unsqueeze(1).float(), targets[known].unsqueeze(1).float()
    if not len(logits):
        return logits.sum()
    return F.binary_cross_entropy_with_logits(logits, targets) + soft_dice_loss(logits, targets)


def map_loss(maps: KeypointMaps, targets: KeypointMaps) -> Scalar:
    """Mean squared error of heat maps (batch, K, h, w) over the labelled points; targets are all 0 of the others."""
    labelled = targets.amax((-2, -1)) > 0
    error = (maps.float() - targets).square().mean((-2, -1))
    return (error * labelled).sum() / labelled.sum().clamp(min=1)
