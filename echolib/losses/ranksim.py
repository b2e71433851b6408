"""RankSim (Gong et al. 2022): features are to be ordered by similarity as labels are."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor

from echolib.shapes import Features, Labels, Scalar


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
    # pyrefly: ignore[bad-override]  (torch types it with any number of gradients)
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        values, ranks = ctx.saved_tensors
        moved = normalised_ranks(values + ctx.interpolation * gradient)
        return (moved - ranks) / ctx.interpolation, None


def normalised_ranks(values: Float[Tensor, "*batch n"]) -> Float[Tensor, "*batch n"]:
    """Rank of each value in the last axis, 1/n for the largest to 1 for the smallest."""
    order = values.argsort(dim=-1, descending=True, stable=True)
    return (order.argsort(dim=-1) + 1).to(values.dtype) / values.shape[-1]


def ranksim(
    features: Features, targets: Labels, *, interpolation: float = 2.0, generator: torch.Generator | None = None
) -> Scalar:
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


def _one_of_each(targets: Labels, generator: torch.Generator | None) -> Int64[Tensor, " distinct"]:
    """Row numbers of one random sample of every distinct target, in the order of the targets."""
    shuffled = torch.randperm(len(targets), generator=generator, device=targets.device)
    group = targets.unique(return_inverse=True)[1][shuffled]
    first = torch.full((int(group.max()) + 1,), len(targets), device=targets.device)
    position = torch.arange(len(targets), device=targets.device)
    return shuffled[first.scatter_reduce(0, group, position, "amin")]
