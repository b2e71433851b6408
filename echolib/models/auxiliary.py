"""An EF network with an auxiliary module that only its training uses."""

from torch import nn

from echolib.models.video import clip_features
from echolib.shapes import Clip, EFColumn, EFPercent, Features


class WithAuxiliary(nn.Module):
    """An EF network and an auxiliary module: a projection head, a learnt noise scale, statistics of features.

    Called like the network alone; the auxiliary module is saved, resumed and optimised with it.
    """

    def __init__(self, network: nn.Module, auxiliary: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.auxiliary = auxiliary

    def forward(self, clips: Clip) -> EFColumn:
        """clips (batch, 3, time, H, W) -> EF in percent (batch, 1)."""
        return self.network(clips)

    def features(self, clips: Clip) -> Features:
        """What the network's last layer reads: (batch, features)."""
        return clip_features(self.network, clips)

    def ejection_fraction(self, features: Features) -> EFPercent:
        """The last layer: (batch, features) -> EF in percent (batch,)."""
        return self.network.fc(features).squeeze(1).float()
