"""Losses on masks and heat maps that count only where a label exists."""

import torch
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
    """Divergence in nats of the spatial softmax of heat maps (batch, K, h, w) from targets scaled to a sum of 1: their
    cross-entropy less the targets' entropy, mean over the labelled points; targets are all 0 of the others.

    It asks where a point is, of all cells alike. The squared error of all cells would first have to learn that nearly
    all of them are empty.
    """
    total = targets.sum((-2, -1))
    labelled = total > 0
    shares = (targets / torch.where(labelled, total, 1.0)[..., None, None]).flatten(-2)
    logs = maps.float().flatten(-2).log_softmax(-1)
    divergence = (torch.xlogy(shares, shares) - shares * logs).sum(-1)
    return (divergence * labelled).sum() / labelled.sum().clamp(min=1)
