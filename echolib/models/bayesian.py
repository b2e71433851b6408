"""EF with its uncertainty: R(2+1)D-18 with Monte Carlo dropout and a Gaussian head.

Of the Bayesian network of Kazemi Esfeh et al. (MICCAI 2020) only the abstract is public: a (2+1)D ResNet-18 that tells
epistemic uncertainty. What is here is our own design: dropout as approximate inference (Gal and Ghahramani 2016) for
what the weights do not know, and a predicted variance (Kendall and Gal 2017) for what the clip does not show.
"""

import math
from typing import NamedTuple

import torch
from torch import nn

from echolib.models.ef_head import EFHead
from echolib.models.video import STAGES, VideoNetwork, video_encoder
from echolib.shapes import Clip, EFPercent


class Predictive(NamedTuple):
    """The Gaussian predictive distribution of each clip's EF; all (batch,), in percent and percent squared."""

    mean: EFPercent
    epistemic: EFPercent  # variance over the draws of the mean: what more training data would tell
    aleatoric: EFPercent  # mean over the draws of the variance: what the clip leaves open


class GaussianEF(nn.Module):
    """Clips (batch, 3, time, H, W) -> mean of EF in percent and logarithm of its variance in percent squared, (batch,)
    each.

    dropout: the rate after each of the four stages, where whole channels are dropped, and before the head.
    mean, ef_scale: of the head (see `EFHead`); the standard deviation starts at `ef_scale`, so that with 1 the
    likelihood pulls the mean at first as hard as half the squared error does.
    """

    def __init__(
        self,
        network: VideoNetwork = "r2plus1d_18",
        width: int = 64,
        blocks: int = 2,
        dropout: float = 0.1,
        mean: float = 55.6,
        ef_scale: float = 1.0,
    ) -> None:
        super().__init__()
        self.encoder = video_encoder(network, width, blocks)
        for stage in STAGES:
            getattr(self.encoder, stage).add_module("dropout", nn.Dropout3d(dropout))
        features = self.encoder.fc.in_features
        self.encoder.fc = nn.Dropout(dropout)
        self.mean = EFHead(features, mean, ef_scale)
        self.log_variance = nn.Linear(features, 1)
        nn.init.normal_(self.log_variance.weight, 0, 0.01)
        nn.init.constant_(self.log_variance.bias, 2 * math.log(ef_scale))

    def forward(self, clips: Clip) -> tuple[EFPercent, EFPercent]:
        features = self.encoder(clips)
        return self.mean(features).squeeze(1), self.log_variance(features).squeeze(1)


@torch.no_grad()
def predictive(model: GaussianEF, clips: Clip, samples: int) -> Predictive:
    """The predictive distribution from `samples` passes with dropout on and batch normalisation in evaluation mode.

    Dropout draws from torch's global state. The model is in evaluation mode afterwards.
    """
    model.eval()
    dropouts = [module for module in model.modules() if isinstance(module, nn.Dropout | nn.Dropout3d)]
    for module in dropouts:
        module.train()
    try:
        means, log_variances = zip(*(model(clips) for _ in range(samples)), strict=True)
    finally:
        model.eval()
    means = torch.stack(means).float()
    variances = torch.stack(log_variances).float().exp()
    return Predictive(means.mean(0), means.var(0, correction=0), variances.mean(0))
