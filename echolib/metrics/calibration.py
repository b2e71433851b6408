"""Whether a Gaussian predictive distribution is as wide as its errors: coverage and calibration of a regression."""

from collections.abc import Sequence

import numpy as np
from scipy.special import erf, erfinv

from echolib.shapes import ItemQuantity, ItemVector, Levels, Probabilities, Statistic

LEVELS = tuple(np.round(np.arange(0.05, 1.0, 0.05), 2).tolist())


def gaussian_coverage(label: ItemQuantity, mean: ItemQuantity, sd: ItemQuantity, level: float) -> Statistic:
    """Share of items whose label lies in the central Gaussian interval of probability `level`: (..., items) -> (...).

    label, mean, sd broadcast, in one unit. Raises ValueError unless 0 < level < 1 and every sd is above 0.
    """
    if not 0 < level < 1:
        raise ValueError(f"level is a probability between 0 and 1, got {level}")
    half_width = np.sqrt(2) * erfinv(level) * _positive(sd)
    return (np.abs(np.subtract(label, mean)) <= half_width).mean(axis=-1)


def calibration_curve(
    label: ItemVector, mean: ItemQuantity, sd: ItemQuantity, levels: Sequence[float] = LEVELS
) -> Levels:
    """`gaussian_coverage` at each nominal level: (items,) -> (levels,). Calibrated predictions lie on the diagonal."""
    return np.array([gaussian_coverage(label, mean, sd, level) for level in levels])


def expected_calibration_error(
    label: ItemVector, mean: ItemQuantity, sd: ItemQuantity, levels: Sequence[float] = LEVELS
) -> float:
    """Mean over nominal levels of |observed - nominal coverage|, of items (items,).

    The absolute form of the calibration error of Kuleshov et al. (ICML 2018) on central intervals, all levels weighing
    the same. 0 is calibrated; an sd far too small tends to mean(levels), 0.5 for the default levels. label, mean and sd
    are in one unit. Raises ValueError as `gaussian_coverage` does.
    """
    return float(np.abs(calibration_curve(label, mean, sd, levels) - np.asarray(levels)).mean())


def interval_probability(label: ItemVector, mean: ItemQuantity, sd: ItemQuantity) -> Probabilities:
    """The probability of the smallest central Gaussian interval that holds each label: (items,) within 0 to 1.

    Uniform over items where the predictions are calibrated (a folded probability integral transform).
    """
    return erf(np.abs(np.subtract(label, mean)) / (np.sqrt(2) * _positive(sd)))


def _positive(sd: ItemQuantity) -> np.ndarray:
    sd = np.asarray(sd, dtype=np.float64)
    if not (sd > 0).all():
        raise ValueError(f"{(~(sd > 0)).sum()} of {sd.size} standard deviations are not above 0")
    return sd
