"""Losses on the overlap of masks."""

from echolib.shapes import MaskLogits, MaskTargets, Scalar


def soft_dice_loss(logits: MaskLogits, targets: MaskTargets, smooth: float = 1.0) -> Scalar:
    """1 - 2 sum(p t) / (sum(p) + sum(t)) with p = sigmoid(logits), per image and class, then averaged.

    logits, targets: (batch, classes, H, W); `smooth` is added to both sides of the fraction so that an empty mask that
    is predicted empty costs nothing (Milletari et al. 2016, with the sums unsquared).
    """
    probability = logits.sigmoid()
    overlap = (probability * targets).sum((2, 3))
    total = probability.sum((2, 3)) + targets.sum((2, 3))
    return (1 - (2 * overlap + smooth) / (total + smooth)).mean()
