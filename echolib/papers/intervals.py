"""Means of test items with their intervals, as the columns of a table."""

import numpy as np

from echolib.metrics.variance import interval_over_seeds
from echolib.papers.claims import mean_value
from echolib.papers.exhibits import Setup


def mean_columns(values: np.ndarray, people: np.ndarray, name: str, setup: Setup) -> dict[str, float]:
    """The mean of (seeds, items) with its 90 % interval over people and seeds: `name`, with _low and _high."""
    items = np.zeros(values.shape[-1])
    interval = interval_over_seeds(mean_value, items, values, resamples=setup.profile.resamples, groups=people)
    return dict(zip((name, f"{name}_low", f"{name}_high"), interval, strict=True))
