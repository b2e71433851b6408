"""Squeeze and excitation (Hu et al. 2018) of video features."""

import torch
from torch import nn

from echolib.models.channel_attention import ChannelAttention, hidden_channels
from echolib.shapes import Features, VideoFeatures


class SE(ChannelAttention):
    """Squeeze and excitation (Hu et al. 2018) with its squeeze over space and time: X' = X . s, s (batch, C)."""

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        hidden = hidden_channels(channels, reduction)
        self.reduce, self.expand = nn.Linear(channels, hidden), nn.Linear(hidden, channels)

    def gate(self, x: VideoFeatures) -> Features:
        """(batch, C), between 0 and 1."""
        return torch.sigmoid(self.expand(torch.relu(self.reduce(x.mean((2, 3, 4))))))

    def forward(self, x: VideoFeatures) -> VideoFeatures:
        return x * self.gate(x)[..., None, None, None]
