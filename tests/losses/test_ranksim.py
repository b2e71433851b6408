"""RankSim and its blackbox gradient against loops."""

import pytest
import torch

from echolib.losses.ranksim import normalised_ranks, ranksim


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


@pytest.mark.usefixtures("unchecked")
def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match=r"features are \(N, D\)"):
        ranksim(torch.zeros(3, 2), torch.zeros(2))
    with pytest.raises(ValueError, match="N > 0"):
        ranksim(torch.zeros(0, 2), torch.zeros(0))
