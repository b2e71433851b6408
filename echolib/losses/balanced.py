"""Balanced MSE (Ren et al. 2022): squared error corrected for how often each label occurs. EF in percent points."""

import torch
import torch.nn.functional as F
from torch import nn

from echolib.losses.same_shape import require_same_shape
from echolib.shapes import EFPercent, Scalar


class BalancedMSE(nn.Module):
    """Balanced MSE in its batch form with a learnt noise scale (Ren et al. 2022, BMC).

    Cross-entropy of the logits -(prediction_i - target_j)^2 / (2 sigma^2) for j = i, times 2 sigma^2 held constant.
    prediction, target (N,) -> scalar.
    """

    def __init__(self, initial_sigma: float = 1.0) -> None:
        super().__init__()
        self.sigma = nn.Parameter(torch.tensor(float(initial_sigma)))

    def forward(self, prediction: EFPercent, target: EFPercent) -> Scalar:
        require_same_shape(prediction, target)
        variance = self.sigma**2
        logits = -((prediction[:, None] - target[None, :]) ** 2) / (2 * variance)
        return F.cross_entropy(logits, torch.arange(len(target), device=target.device)) * (2 * variance.detach())
