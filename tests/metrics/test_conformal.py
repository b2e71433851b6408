"""Conformal intervals by hand, and what they promise on draws."""

import numpy as np
import pytest

from echolib.metrics import conformal_half_width, interval_coverage


def test_conformal_intervals_by_hand():
    errors = np.array([1.0, 4.0, 2.0, 3.0])
    assert conformal_half_width(np.zeros(4), errors, 0.6) == 3.0  # the ceil(5 * 0.6)-th smallest
    assert conformal_half_width(np.zeros(4), errors, 0.8) == 4.0
    assert conformal_half_width(np.zeros(4), errors, 0.9) == np.inf
    assert interval_coverage(np.zeros(4), errors, 3.0) == 0.75
    with pytest.raises(ValueError, match="coverage"):
        conformal_half_width(np.zeros(4), errors, 1.0)


def test_conformal_intervals_hold_what_they_promise():
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(400):
        calibration, test = rng.standard_normal(19), rng.standard_normal(50)
        covered.append(interval_coverage(np.zeros(50), test, conformal_half_width(np.zeros(19), calibration, 0.9)))
    assert 0.89 < np.mean(covered) < 0.93
