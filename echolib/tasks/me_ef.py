"""EF by anchors and motion excitation: a row of Chen and Li's Table 3."""

from typing import Literal

from torch import nn

from echolib.models.me import ME
from echolib.tasks.attention_ef import AttentionEF


class MEEF(AttentionEF):
    """Motion excitation (Li et al. 2020). gate: that of the paper, or of its released code."""

    gate: Literal["paper", "released"] = "paper"

    def attention(self, channels: int) -> nn.Module:
        return ME(channels, self.reduction, self.gate)
