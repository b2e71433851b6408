"""Motion excitation (TEA, Li et al. 2020)."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import nn

from echolib.models.channel_attention import ChannelAttention, hidden_channels
from echolib.shapes import ChannelGate, VideoFeatures


class ME(ChannelAttention):
    """Motion excitation (TEA, Li et al. 2020): channels of what a frame adds to the one before it are excited.

    gate "paper" is X' = X + X . (2 sigmoid - 1), "released" the authors' code, X + X . (sigmoid - 0.5). The last frame
    has none after it: its motion is 0.
    """

    def __init__(self, channels: int, reduction: int = 16, gate: Literal["paper", "released"] = "paper") -> None:
        super().__init__()
        hidden = hidden_channels(channels, reduction)
        self.scale = {"paper": 2.0, "released": 1.0}[gate]
        self.reduce = nn.Sequential(nn.Conv3d(channels, hidden, 1, bias=False), nn.BatchNorm3d(hidden))
        self.channelwise = nn.Conv3d(hidden, hidden, (1, 3, 3), padding=(0, 1, 1), groups=hidden, bias=False)
        self.expand = nn.Sequential(nn.Conv1d(hidden, channels, 1, bias=False), nn.BatchNorm1d(channels))

    def gate(self, x: VideoFeatures) -> ChannelGate:
        """What X is multiplied by and added to X: (batch, C, T), between -1 and 1 ("paper") or -0.5 and 0.5."""
        reduced = self.reduce(x)
        motion = self.channelwise(reduced)[:, :, 1:] - reduced[:, :, :-1]
        motion = F.pad(motion.mean((3, 4)), (0, 1))
        return self.scale * (torch.sigmoid(self.expand(motion)) - 0.5)

    def forward(self, x: VideoFeatures) -> VideoFeatures:
        return x * (1 + self.gate(x)[..., None, None])
