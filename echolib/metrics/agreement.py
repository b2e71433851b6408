"""How two ways to measure the same thing agree (Bland and Altman, Lancet 327, 1986)."""

from typing import NamedTuple

import numpy as np

from echolib.metrics.ejection import mae
from echolib.shapes import ItemVector


class Agreement(NamedTuple):
    """Of the first measurement less the second: bias, SD, the limits bias ± 1.96 SD; mean absolute difference; r."""

    bias: float
    sd: float
    limit_low: float
    limit_high: float
    mae: float
    r: float


def limits_of_agreement(first: ItemVector, second: ItemVector) -> Agreement:
    """first, second: (items,) of one quantity in one unit. SD and r are NaN for a single item."""
    first, second = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    difference = first - second
    bias = float(difference.mean())
    several = len(difference) > 1
    sd = float(difference.std(ddof=1)) if several else np.nan
    varies = several and np.ptp(first) > 0 and np.ptp(second) > 0
    r = float(np.corrcoef(first, second)[0, 1]) if varies else np.nan
    return Agreement(bias, sd, bias - 1.96 * sd, bias + 1.96 * sd, float(mae(second, first)), r)
