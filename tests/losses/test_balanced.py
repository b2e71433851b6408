"""Balanced MSE written out, its limits and its gradient."""

import math

import pytest
import torch

from echolib.losses.balanced import BalancedMSE

PREDICTION = torch.tensor([50.0, 61.0, 30.0, 55.0], dtype=torch.float64)
TARGET = torch.tensor([55.0, 60.0, 45.0, 55.0], dtype=torch.float64)


@pytest.mark.parametrize("sigma", [1.0, 7.0])
def test_balanced_mse_written_out(sigma):
    loss = BalancedMSE(sigma).double()
    total = 0.0
    for i in range(4):
        logits = [-((float(PREDICTION[i]) - float(t)) ** 2) / (2 * sigma**2) for t in TARGET]
        top = max(logits)
        total += top + math.log(sum(math.exp(each - top) for each in logits)) - logits[i]
    assert float(loss(PREDICTION, TARGET).detach()) == pytest.approx(2 * sigma**2 * total / 4, rel=1e-12)


def test_balanced_mse_learns_its_noise_and_tends_to_mse():
    loss = BalancedMSE(8.0).double()
    prediction = PREDICTION.clone().requires_grad_()
    loss(prediction, TARGET).backward()
    assert loss.sigma.grad is not None and float(loss.sigma.grad) != 0
    # targets far apart against sigma: every sample sees itself alone, and the gradient of the MSE is what is left over
    lonely, apart = BalancedMSE(1.0).double(), torch.tensor([0.0, 1000.0], dtype=torch.float64)
    assert float(lonely(apart + 0.5, apart).detach()) == pytest.approx(0, abs=1e-9)


def test_balanced_mse_holds_its_scale_constant_in_the_gradient():
    def cross_entropy(sigma):
        logits = -((PREDICTION[:, None] - TARGET[None, :]) ** 2) / (2 * sigma**2)
        return -logits.log_softmax(1).diagonal().mean()

    step = 1e-4
    slope = float(cross_entropy(8.0 + step) - cross_entropy(8.0 - step)) / (2 * step)
    loss = BalancedMSE(8.0).double()
    loss(PREDICTION, TARGET).backward()
    assert float(loss.sigma.grad) == pytest.approx(2 * 8.0**2 * slope, rel=1e-6)


@pytest.mark.usefixtures("unchecked")
def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match=r"all \(N,\), got \(4, 1\), \(4,\)"):
        BalancedMSE()(torch.zeros(4, 1), torch.zeros(4))
