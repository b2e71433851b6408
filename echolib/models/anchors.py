"""The anchor head of Chen and Li (Sec. 2.3): classification and regression of EF over equal intervals."""

from typing import NamedTuple

import torch
from torch import nn

from echolib.shapes import AnchorOutputs, Features


class AnchorOutput(NamedTuple):
    """Scores of the intervals before the softmax, and offsets in interval lengths: (batch, M) each."""

    scores: AnchorOutputs
    offsets: AnchorOutputs


class AnchorHead(nn.Module):
    """Two sibling linear layers on pooled features: (batch, features) -> `AnchorOutput` of M anchors.

    mean: the EF in percent at which the offsets start. Each anchor's offset counts from its own centre, so that anchor
    m's bias is (mean - c_m) / l; a head that starts at 0 would first have to learn M ramps.
    """

    def __init__(self, features: int, anchors: int = 20, mean: float = 55.6) -> None:
        super().__init__()
        self.classify, self.offset = nn.Linear(features, anchors), nn.Linear(features, anchors)
        for layer in (self.classify, self.offset):
            nn.init.normal_(layer.weight, 0, 0.01)
            nn.init.zeros_(layer.bias)
        with torch.no_grad():
            self.offset.bias.add_(mean * anchors / 100 - (torch.arange(anchors) + 0.5))

    def forward(self, features: Features) -> AnchorOutput:
        return AnchorOutput(self.classify(features), self.offset(features))
