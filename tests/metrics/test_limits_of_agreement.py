"""Limits of agreement against a written-out sum."""

import numpy as np
import pytest

from echolib.metrics.agreement import limits_of_agreement


def test_bias_and_limits_are_bland_and_altman_s():
    first, second = [50.0, 60.0, 40.0, 30.0], [48.0, 55.0, 41.0, 20.0]
    found = limits_of_agreement(np.array(first), np.array(second))
    differences = [a - b for a, b in zip(first, second, strict=True)]
    bias = sum(differences) / 4
    sd = (sum((d - bias) ** 2 for d in differences) / 3) ** 0.5
    assert found[:5] == pytest.approx((bias, sd, bias - 1.96 * sd, bias + 1.96 * sd, 18 / 4))
    assert found.r == pytest.approx(np.corrcoef(first, second)[0, 1])
    swapped = limits_of_agreement(np.array(second), np.array(first))
    assert (swapped.bias, swapped.limit_low) == pytest.approx((-found.bias, -found.limit_high))


def test_one_item_has_no_spread():
    found = limits_of_agreement(np.array([50.0]), np.array([40.0]))
    assert found.bias == 10 and np.isnan([found.sd, found.limit_low, found.r]).all()
