"""Split-conformal prediction intervals: how wide an interval must be to hold a stated share of new items."""

import numpy as np


def conformal_half_width(label, prediction, coverage: float = 0.9) -> float:
    """Half the width of the interval prediction +- w, from calibration items (N,) that were not trained on.

    The ceil((N + 1) coverage)-th smallest absolute error (Vovk et al. 2005; Lei et al. 2018): on average over draws of
    exchangeable items at least `coverage` of new ones lie within. Infinite where N is too small to promise that.
    """
    if not 0 < coverage < 1:
        raise ValueError(f"coverage is a share between 0 and 1, got {coverage}")
    errors = np.sort(np.abs(np.subtract(prediction, label, dtype=np.float64)))
    if errors.ndim != 1 or not len(errors):
        raise ValueError(f"label and prediction are (items,) alike with at least one item, got shape {errors.shape}")
    place = int(np.ceil((len(errors) + 1) * coverage - 1e-9))
    return float(errors[place - 1]) if place <= len(errors) else np.inf


def interval_coverage(label, prediction, half_width: float) -> np.ndarray:
    """Share of items within prediction +- half_width: (..., items) -> (...)."""
    return (np.abs(np.subtract(prediction, label)) <= half_width).mean(axis=-1)
