"""Regression losses against imbalanced labels: weighted, focal, ranked, balanced. EF in percent points."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def weighted_mse(prediction: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Mean of weights * squared error; three (N,) -> scalar. With weights of mean 1 it is on the scale of the MSE."""
    _check_alike(prediction, target, weights)
    return (weights * (prediction - target) ** 2).mean()


def focal_mse(
    prediction: Tensor, target: Tensor, *, beta: float = 0.2, gamma: float = 1.0, weights: Tensor | None = None
) -> Tensor:
    """Focal-R, squared: mean of w e^2 (2 sigmoid(|beta e|) - 1)^gamma (Yang et al. 2021, after Lin et al. 2017).

    prediction, target, weights (N,) -> scalar; w is 1 without weights.
    """
    _check_alike(prediction, target, weights)
    error = prediction - target
    focused = error**2 * _focus(error, beta, gamma)
    return (focused if weights is None else weights * focused).mean()


def focal_l1(
    prediction: Tensor, target: Tensor, *, beta: float = 0.2, gamma: float = 1.0, weights: Tensor | None = None
) -> Tensor:
    """Focal-R, absolute: mean of w |e| (2 sigmoid(|beta e|) - 1)^gamma; otherwise as `focal_mse`."""
    _check_alike(prediction, target, weights)
    error = prediction - target
    focused = error.abs() * _focus(error, beta, gamma)
    return (focused if weights is None else weights * focused).mean()


def _focus(error: Tensor, beta: float, gamma: float) -> Tensor:
    # the power's slope at an exact hit is infinite for gamma < 1, and infinity times zero is no gradient
    return (2 * torch.sigmoid((beta * error).abs()) - 1).clamp(min=torch.finfo(error.dtype).tiny) ** gamma


def _check_alike(prediction: Tensor, target: Tensor, weights: Tensor | None = None) -> None:
    # (N, 1) against (N,) would broadcast to all pairs without a word
    shapes = [tuple(each.shape) for each in (prediction, target, weights) if each is not None]
    if prediction.dim() != 1 or len(set(shapes)) > 1:
        raise ValueError(f"predictions, targets and weights are all (N,), got {', '.join(map(str, shapes))}")


class _Ranks(torch.autograd.Function):
    """Ranks of the last axis, largest first, divided by its length; the gradient is that of the blackbox combinatorial
    solver (Vlastelica et al. 2020): the change of the ranks under a step along the incoming gradient."""

    @staticmethod
    def forward(ctx, values: Tensor, interpolation: float) -> Tensor:
        ranks = normalised_ranks(values)
        ctx.save_for_backward(values, ranks)
        ctx.interpolation = interpolation
        return ranks

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        values, ranks = ctx.saved_tensors
        moved = normalised_ranks(values + ctx.interpolation * gradient)
        return (moved - ranks) / ctx.interpolation, None


def normalised_ranks(values: Tensor) -> Tensor:
    """Rank of each value in the last axis, 1/n for the largest to 1 for the smallest."""
    order = values.argsort(dim=-1, descending=True, stable=True)
    return (order.argsort(dim=-1) + 1).to(values.dtype) / values.shape[-1]


def ranksim(
    features: Tensor, targets: Tensor, *, interpolation: float = 2.0, generator: torch.Generator | None = None
) -> Tensor:
    """RankSim (Gong et al. 2022): neighbours in label are to be neighbours in feature. Scalar, not yet weighted.

    features (N, D), targets (N,); one random sample of each distinct target is used, so bin continuous targets first.
    Sum over anchors of the mean squared difference between the ranks of the cosine similarities and the ranks of the
    label similarities -|y_i - y_j|; `interpolation` is the step of the blackbox gradient.
    """
    if features.dim() != 2 or targets.shape != features.shape[:1] or not len(targets):
        raise ValueError(
            f"features are (N, D), targets (N,) with N > 0, got {tuple(features.shape)} and {tuple(targets.shape)}"
        )
    chosen = _one_of_each(targets, generator)
    features, targets = F.normalize(features[chosen], dim=1), targets[chosen]
    label_ranks = normalised_ranks(-(targets[:, None] - targets[None, :]).abs().to(features.dtype))
    with torch.autocast(features.device.type, enabled=False):  # in eight bits most similarities tie, and so do ranks
        similarity = features @ features.T
    feature_ranks = _Ranks.apply(similarity, interpolation)
    return ((feature_ranks - label_ranks) ** 2).mean(1).sum()


def _one_of_each(targets: Tensor, generator: torch.Generator | None) -> Tensor:
    """Places of one random sample of every distinct target, in the order of the targets."""
    shuffled = torch.randperm(len(targets), generator=generator, device=targets.device)
    group = targets.unique(return_inverse=True)[1][shuffled]
    first = torch.full((int(group.max()) + 1,), len(targets), device=targets.device)
    place = torch.arange(len(targets), device=targets.device)
    return shuffled[first.scatter_reduce(0, group, place, "amin")]


class BalancedMSE(nn.Module):
    """Balanced MSE in its batch form with a learnt noise scale (Ren et al. 2022, BMC).

    Cross-entropy of the logits -(prediction_i - target_j)^2 / (2 sigma^2) for j = i, times 2 sigma^2 held constant.
    prediction, target (N,) -> scalar.
    """

    def __init__(self, initial_sigma: float = 1.0) -> None:
        super().__init__()
        self.sigma = nn.Parameter(torch.tensor(float(initial_sigma)))

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        _check_alike(prediction, target)
        variance = self.sigma**2
        logits = -((prediction[:, None] - target[None, :]) ** 2) / (2 * variance)
        return F.cross_entropy(logits, torch.arange(len(target), device=target.device)) * (2 * variance.detach())
