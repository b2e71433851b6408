"""EF by anchors and temporal channel-wise attention: M2 of Chen and Li's Table 2."""

from pydantic import PositiveInt
from torch import nn

from echolib.models.tca import TCA
from echolib.tasks.attention_ef import AttentionEF


class TCAEF(AttentionEF):
    """Temporal channel-wise attention (Chen and Li, Sec. 2.1). window: frames over which it compares."""

    window: PositiveInt = 3

    def attention(self, channels: int) -> nn.Module:
        return TCA(channels, self.reduction, self.window)
