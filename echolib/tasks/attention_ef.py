"""EF by anchors on a video encoder with attention on its channels, whichever that is."""

from typing import Literal

from pydantic import PositiveInt
from torch import nn

from echolib.models.channel_attention import insert_attention
from echolib.models.video import STAGES
from echolib.tasks.anchor_ef import AnchorEF


class AttentionEF(AnchorEF):
    """Attention after the encoder's stages; a subclass says which.

    insert_after: after each of `stages`, or after each of their residual blocks.
    """

    stages: tuple[Literal["layer1", "layer2", "layer3", "layer4"], ...] = STAGES
    insert_after: Literal["stage", "block"] = "stage"
    reduction: PositiveInt = 16

    def attention(self, channels: int) -> nn.Module:
        """A module for features of so many channels."""
        raise NotImplementedError

    def build_on(self, encoder: nn.Module) -> nn.Module:
        model = super().build_on(encoder)
        insert_attention(model, self.attention, self.stages, self.insert_after)
        return model
