"""EF by anchors and squeeze and excitation: a row of Chen and Li's Table 3."""

from torch import nn

from echolib.models.se import SE
from echolib.tasks.attention_ef import AttentionEF


class SEEF(AttentionEF):
    """Squeeze and excitation (Hu et al. 2018)."""

    def attention(self, channels: int) -> nn.Module:
        return SE(channels, self.reduction)
