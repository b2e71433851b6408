"""EchoMEN's second stage: several regression experts on one feature vector, and the aggregator that weighs them."""

import torch
from torch import nn

from echolib.models.ef_head import EFHead
from echolib.shapes import EFPercent, ExpertOutputs, Features


class MultiExpert(nn.Module):
    """M linear experts and an aggregator, a two-layer perceptron with softmax (Lai et al. 2024, Sec. 2.2).

    With 512 features and M = 3 it has 67,590 parameters.
    """

    def __init__(
        self, features: int, experts: int = 3, hidden: int = 128, mean: float = 55.6, ef_scale: float = 1.0
    ) -> None:
        super().__init__()
        # One layer with M outputs is M linear experts: no output reads another's weights.
        self.experts = EFHead(features, mean, ef_scale, outputs=experts)
        self.aggregator = nn.Sequential(nn.Linear(features, hidden), nn.ReLU(), nn.Linear(hidden, experts))

    def forward(self, features: Features) -> tuple[ExpertOutputs, ExpertOutputs]:
        """features (N, D) -> EF of each expert in percent (N, M), and weights (N, M) that sum to 1 in each row."""
        return self.experts(features), self.aggregator(features).softmax(-1)


def aggregate(experts: ExpertOutputs, weights: ExpertOutputs) -> EFPercent:
    """The weighted sum of the experts (N, M) -> (N,). The experts are constants here: the aggregator's loss trains the
    aggregator alone."""
    return (weights * experts.detach()).sum(-1)


def top_k(weights: ExpertOutputs, k: int) -> ExpertOutputs:
    """Weights (N, M) of which only the k largest of each row are kept and scaled to sum 1: sparse routing, with which
    only k experts need to run. Raises ValueError unless 1 <= k <= M."""
    if not 1 <= k <= weights.shape[-1]:
        raise ValueError(f"k is {k}; there are {weights.shape[-1]} experts")
    kept = torch.zeros_like(weights).scatter(-1, weights.topk(k, -1).indices, 1.0) * weights
    return kept / kept.sum(-1, keepdim=True)
