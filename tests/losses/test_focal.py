"""Focal-R written out, in its limits, and its gradient at an exact hit."""

import math

import pytest
import torch
from torch.nn.functional import mse_loss

from echolib.losses.focal import focal_l1, focal_mse

PREDICTION = torch.tensor([50.0, 61.0, 30.0, 55.0], dtype=torch.float64)
TARGET = torch.tensor([55.0, 60.0, 45.0, 55.0], dtype=torch.float64)


@pytest.mark.parametrize(("loss", "power"), [(focal_mse, 2), (focal_l1, 1)])
@pytest.mark.parametrize(("beta", "gamma"), [(0.2, 1.0), (0.5, 2.0)])
def test_focal_losses_written_out(loss, power, beta, gamma):
    total = 0.0
    for p, t in zip(PREDICTION.tolist(), TARGET.tolist(), strict=True):
        error = abs(p - t)
        total += error**power * (2 / (1 + math.exp(-beta * error)) - 1) ** gamma
    assert float(loss(PREDICTION, TARGET, beta=beta, gamma=gamma)) == pytest.approx(total / 4, rel=1e-12)


def test_focal_losses_in_their_limits():
    assert torch.allclose(focal_mse(PREDICTION, TARGET, gamma=0.0), mse_loss(PREDICTION, TARGET))
    far = focal_mse(PREDICTION * 100, TARGET)
    assert torch.allclose(far, mse_loss(PREDICTION * 100, TARGET), rtol=1e-6)
    assert float(focal_l1(TARGET, TARGET)) == 0


@pytest.mark.parametrize("loss", [focal_mse, focal_l1])
def test_focal_losses_with_weights(loss):
    weights = torch.tensor([1.0, 0.0, 2.0, 1.0], dtype=torch.float64)
    each = [float(loss(PREDICTION[i : i + 1], TARGET[i : i + 1])) for i in range(4)]
    assert float(loss(PREDICTION, TARGET, weights=weights)) == pytest.approx((each[0] + 2 * each[2]) / 4, rel=1e-12)


@pytest.mark.parametrize("loss", [focal_mse, focal_l1])
@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_focal_losses_have_gradients_at_an_exact_hit(loss, gamma):
    prediction = PREDICTION.clone().requires_grad_()
    loss(prediction, TARGET, gamma=gamma).backward()
    assert bool(torch.isfinite(prediction.grad).all()) and float(prediction.grad[3]) == 0
    away = PREDICTION[:3].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda p: loss(p, TARGET[:3], gamma=gamma), (away,))


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("loss", [focal_mse, focal_l1])
def test_wrong_shapes_are_named(loss):
    with pytest.raises(ValueError, match=r"all \(N,\), got \(4, 1\), \(4,\)"):
        loss(torch.zeros(4, 1), torch.zeros(4))
