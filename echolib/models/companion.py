"""An EF network with a second module that only its training uses."""

from torch import Tensor, nn

from echolib.models.video import clip_features


class Companion(nn.Module):
    """An EF network and its companion: a projector, a learnt noise scale, statistics of features.

    Called like the network alone; the companion is saved, resumed and optimised with it.
    """

    def __init__(self, network: nn.Module, companion: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.companion = companion

    def forward(self, clips: Tensor) -> Tensor:
        """clips (batch, 3, time, H, W) -> EF in percent (batch, 1)."""
        return self.network(clips)

    def features(self, clips: Tensor) -> Tensor:
        """What the network's last layer reads: (batch, features)."""
        return clip_features(self.network, clips)

    def ejection_fraction(self, features: Tensor) -> Tensor:
        """The last layer: (batch, features) -> EF in percent (batch,)."""
        return self.network.fc(features).squeeze(1).float()


def projector(features: int, outputs: int) -> nn.Sequential:
    """Two layers with ReLU from features to embeddings: 512 -> 512 -> 128 in EchoMEN."""
    return nn.Sequential(nn.Linear(features, features), nn.ReLU(), nn.Linear(features, outputs))
