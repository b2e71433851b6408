"""Losses that also learn how sure a prediction is."""

import math

from echolib.shapes import EFPercent, Scalar


def gaussian_nll(mean: EFPercent, log_variance: EFPercent, target: EFPercent) -> Scalar:
    """Negative log-likelihood of a Gaussian, averaged over items (Kendall and Gal 2017, Eq. 8, with its constant):
    1/2 [log variance + (target - mean)^2 / variance + log 2 pi]. All (items,); log_variance in squared units of mean.
    """
    squared = (target - mean) ** 2 * (-log_variance).exp()
    return 0.5 * (log_variance + squared + math.log(2 * math.pi)).mean()
