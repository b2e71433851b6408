"""Focal-R (Yang et al. 2021, after Lin et al. 2017): samples that are fitted well count less. EF in percent points."""

import torch

from echolib.losses.same_shape import require_same_shape
from echolib.shapes import EFPercent, LabelWeights, Scalar


def focal_mse(
    prediction: EFPercent,
    target: EFPercent,
    *,
    beta: float = 0.2,
    gamma: float = 1.0,
    weights: LabelWeights | None = None,
) -> Scalar:
    """Focal-R, squared: mean of w e^2 (2 sigmoid(|beta e|) - 1)^gamma (Yang et al. 2021, after Lin et al. 2017).

    prediction, target, weights (N,) -> scalar; w is 1 without weights.
    """
    error = _errors(prediction, target, weights)
    focused = error**2 * _focus(error, beta, gamma)
    return (focused if weights is None else weights * focused).mean()


def focal_l1(
    prediction: EFPercent,
    target: EFPercent,
    *,
    beta: float = 0.2,
    gamma: float = 1.0,
    weights: LabelWeights | None = None,
) -> Scalar:
    """Focal-R, absolute: mean of w |e| (2 sigmoid(|beta e|) - 1)^gamma; otherwise as `focal_mse`."""
    error = _errors(prediction, target, weights)
    focused = error.abs() * _focus(error, beta, gamma)
    return (focused if weights is None else weights * focused).mean()


def _errors(prediction: EFPercent, target: EFPercent, weights: LabelWeights | None) -> EFPercent:
    require_same_shape(prediction, target, *([] if weights is None else [weights]))
    return prediction - target


def _focus(error: EFPercent, beta: float, gamma: float) -> LabelWeights:
    # the power's slope at an exact hit is infinite for gamma < 1, and infinity times zero is no gradient
    return (2 * torch.sigmoid((beta * error).abs()) - 1).clamp(min=torch.finfo(error.dtype).tiny) ** gamma
