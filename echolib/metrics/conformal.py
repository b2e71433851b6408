"""Split-conformal prediction intervals: how wide an interval must be to hold a stated share of new items."""

import numpy as np

from echolib.shapes import ItemValues, ItemVector, Statistic


def conformal_half_width(label: ItemVector, prediction: ItemVector, coverage: float = 0.9) -> float:
    """Half the width of the interval prediction +- w, from calibration items (items,) that were not trained on.

    The ceil((n + 1) coverage)-th smallest absolute error (Vovk et al. 2005; Lei et al. 2018): on average over draws of
    exchangeable items at least `coverage` of new ones lie within. Infinite where n is too small to promise that.

    In the unit of the label. Raises ValueError unless 0 < coverage < 1 and there is an item.
    """
    if not 0 < coverage < 1:
        raise ValueError(f"coverage is a share between 0 and 1, got {coverage}")
    errors = np.sort(np.abs(np.subtract(prediction, label, dtype=np.float64)))
    if errors.ndim != 1 or not len(errors):
        raise ValueError(f"label and prediction are (items,) alike with at least one item, got shape {errors.shape}")
    rank = int(np.ceil((len(errors) + 1) * coverage - 1e-9))
    return float(errors[rank - 1]) if rank <= len(errors) else np.inf


def interval_coverage(label: ItemValues, prediction: ItemValues, half_width: float) -> Statistic:
    """Share of items within prediction +- half_width: (..., items) -> (...)."""
    return (np.abs(np.subtract(prediction, label)) <= half_width).mean(axis=-1)
