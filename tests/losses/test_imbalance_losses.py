"""Regression losses against imbalance: by hand, by loops, and their gradients."""

import math

import pytest
import torch
from torch.nn.functional import mse_loss

from echolib.losses import BalancedMSE, focal_l1, focal_mse, ranksim, weighted_mse
from echolib.losses.imbalance import normalised_ranks

PREDICTION = torch.tensor([50.0, 61.0, 30.0, 55.0], dtype=torch.float64)
TARGET = torch.tensor([55.0, 60.0, 45.0, 55.0], dtype=torch.float64)


def test_weighted_mse():
    weights = torch.tensor([1.0, 2.0, 0.5, 0.5], dtype=torch.float64)
    assert float(weighted_mse(PREDICTION, TARGET, weights)) == pytest.approx((25 + 2 + 0.5 * 225 + 0) / 4)
    assert weighted_mse(PREDICTION, TARGET, torch.ones(4)) == mse_loss(PREDICTION, TARGET)


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


def ranks_by_loop(values):
    return [(sum(other > value for other in values) + 1) / len(values) for value in values]


def test_ranks():
    values = torch.tensor([[0.1, 3.0, -2.0, 1.0], [5.0, 4.0, 3.0, 2.0]])
    expected = torch.tensor([ranks_by_loop(row) for row in values.tolist()])
    assert torch.equal(normalised_ranks(values), expected)


def ranksim_by_loop(features, targets, interpolation):
    """The loss over all anchors, and its gradient with respect to the similarities."""
    count = len(targets)
    unit = features / features.norm(dim=1, keepdim=True)
    similarity = (unit @ unit.T).tolist()
    total, gradients = 0.0, []
    for i in range(count):
        wanted = ranks_by_loop([-abs(targets[i] - t) for t in targets])
        ranks = ranks_by_loop(similarity[i])
        total += sum((a - b) ** 2 for a, b in zip(ranks, wanted, strict=True)) / count
        incoming = [2 * (a - b) / count for a, b in zip(ranks, wanted, strict=True)]
        moved = ranks_by_loop([s + interpolation * g for s, g in zip(similarity[i], incoming, strict=True)])
        gradients.append([-(a - b) / interpolation for a, b in zip(ranks, moved, strict=True)])
    return total, gradients


@pytest.mark.parametrize("interpolation", [0.5, 2.0])
def test_ranksim_and_its_blackbox_gradient_written_out(interpolation):
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(5, 4, dtype=torch.float64, generator=generator)
    targets = [20.0, 37.0, 55.0, 56.5, 71.0]  # no two equally far from a third, so that no rank is tied
    leaf = features.clone().requires_grad_()
    loss = ranksim(leaf, torch.tensor(targets, dtype=torch.float64), interpolation=interpolation)
    expected, gradients = ranksim_by_loop(features, targets, interpolation)
    assert float(loss.detach()) == pytest.approx(expected, rel=1e-12)
    loss.backward()
    other = features.clone().requires_grad_()
    unit = torch.nn.functional.normalize(other, dim=1)
    (unit @ unit.T).backward(torch.tensor(gradients, dtype=torch.float64))
    assert torch.allclose(leaf.grad, other.grad, atol=1e-12)
    assert float(leaf.grad.abs().sum()) > 0


def test_ranksim_uses_one_random_sample_of_each_target():
    features = torch.randn(6, 3, generator=torch.Generator().manual_seed(1)).requires_grad_()
    targets = torch.tensor([10.0, 10.0, 10.0, 30.0, 60.0, 60.0])
    used = set()
    for seed in range(20):
        (gradient,) = torch.autograd.grad(
            ranksim(features * 1, targets, interpolation=50.0, generator=torch.Generator().manual_seed(seed)), features
        )
        touched = gradient.abs().sum(1).nonzero().flatten().tolist()
        assert sum(place < 3 for place in touched) <= 1 and sum(place > 3 for place in touched) <= 1
        used.update(touched)
    assert used == set(range(6))


def test_ranksim_ranks_in_full_precision_under_autocast():
    generator = torch.Generator().manual_seed(0)
    features = 1 + 0.1 * torch.randn(12, 32, generator=generator)  # cosines within 0.02: a handful of values in bf16
    targets = torch.arange(12.0) ** 2
    plain, cast = features.clone().requires_grad_(), features.clone().requires_grad_()
    ranksim(plain, targets).backward()
    with torch.autocast("cpu", torch.bfloat16):
        value = ranksim(cast, targets)
    value.backward()
    assert value == ranksim(features, targets)
    assert torch.equal(cast.grad, plain.grad)


def test_ranksim_of_perfectly_ordered_features_is_zero():
    targets = torch.tensor([5.0, 20.0, 37.0, 60.0])
    angle = targets / 100
    assert float(ranksim(torch.stack([angle.cos(), angle.sin()], 1), targets)) == 0


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


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match=r"features are \(N, D\)"):
        ranksim(torch.zeros(3, 2), torch.zeros(2))
    with pytest.raises(ValueError, match="N > 0"):
        ranksim(torch.zeros(0, 2), torch.zeros(0))
    column, row = torch.zeros(4, 1), torch.zeros(4)
    for loss in (focal_mse, focal_l1, BalancedMSE(), lambda p, t: weighted_mse(p, t, torch.ones(4))):
        with pytest.raises(ValueError, match=r"all \(N,\), got \(4, 1\), \(4,\)"):
            loss(column, row)
