"""Weighted squared error by hand."""

import pytest
import torch
from torch.nn.functional import mse_loss

from echolib.losses.weighted import weighted_mse

PREDICTION = torch.tensor([50.0, 61.0, 30.0, 55.0], dtype=torch.float64)
TARGET = torch.tensor([55.0, 60.0, 45.0, 55.0], dtype=torch.float64)


def test_weighted_mse():
    weights = torch.tensor([1.0, 2.0, 0.5, 0.5], dtype=torch.float64)
    assert float(weighted_mse(PREDICTION, TARGET, weights)) == pytest.approx((25 + 2 + 0.5 * 225 + 0) / 4)
    assert weighted_mse(PREDICTION, TARGET, torch.ones(4)) == mse_loss(PREDICTION, TARGET)


@pytest.mark.usefixtures("unchecked")
def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match=r"all \(N,\), got \(4, 1\), \(4,\)"):
        weighted_mse(torch.zeros(4, 1), torch.zeros(4), torch.ones(4))
