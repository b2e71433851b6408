"""BYOL (Grill et al. 2020) around the encoder of a segmentation network."""

import copy
import math

import torch
from torch import nn

from echolib.models.image_encoder import Encoder, perceptron
from echolib.models.segmentation import SegmentationNetwork
from echolib.models.width import scaled_channels
from echolib.shapes import Embeddings, Images


class BYOL(nn.Module):
    """Online encoder, projector (-> 4096 -> 256) and predictor (256 -> 4096 -> 256), and the target that follows them.

    The target's parameters are a running average of the online ones; they never see a gradient.
    """

    def __init__(self, network: SegmentationNetwork, width: int = 64, dilated: bool = True) -> None:
        super().__init__()
        hidden, size = scaled_channels(4096, width), max(16, scaled_channels(256, width))
        encoder = Encoder(network, width, dilated)
        options = {"first_bias": False, "last_bias": True}
        self.online = nn.Sequential(encoder, perceptron(encoder.features, hidden, size, **options))
        self.predictor = perceptron(size, hidden, size, **options)
        self.target = copy.deepcopy(self.online).requires_grad_(False)

    @property
    def encoder(self) -> Encoder:
        """The online encoder: what is kept."""
        return self.online[0]  # pyrefly: ignore[bad-return]  (a Sequential gives its parts as plain modules)

    def forward(self, images: Images) -> Embeddings:
        """Predictions (batch, size) of what the target makes of another view."""
        return self.predictor(self.online(images))

    @torch.no_grad()
    def project(self, images: Images) -> Embeddings:
        """The target's projections (batch, size)."""
        return self.target(images)

    @torch.no_grad()
    def update_target(self, momentum: float) -> None:
        """Moves each of the target's parameters by (1 - momentum) towards the online one; buffers are its own."""
        for target, online in zip(self.target.parameters(), self.online.parameters(), strict=True):
            target.lerp_(online, 1 - momentum)


def target_momentum(progress: float, base: float = 0.996) -> float:
    """BYOL's momentum at a share of the training: base at 0, along a cosine to 1 (Grill et al. 2020)."""
    return 1 - (1 - base) * (math.cos(math.pi * progress) + 1) / 2
