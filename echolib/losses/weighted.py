"""Squared error of which some samples count more. EF in percent points."""

from echolib.losses.same_shape import require_same_shape
from echolib.shapes import EFPercent, LabelWeights, Scalar


def weighted_mse(prediction: EFPercent, target: EFPercent, weights: LabelWeights) -> Scalar:
    """Mean of weights * squared error; three (N,) -> scalar. With weights of mean 1 it is on the scale of the MSE."""
    require_same_shape(prediction, target, weights)
    return (weights * (prediction - target) ** 2).mean()
