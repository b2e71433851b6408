"""The last layer of a network that reads EF."""

from jaxtyping import Float
from torch import Tensor, nn

from echolib.shapes import Features


class EFHead(nn.Linear):
    """A linear layer whose output counts in units of `ef_scale` percent points of EF; its bias starts
    at the mean EF in percent."""

    def __init__(self, features: int, mean: float, ef_scale: float, outputs: int = 1) -> None:
        super().__init__(features, outputs)
        self.ef_scale = ef_scale
        nn.init.normal_(self.weight, 0, 0.01)
        nn.init.constant_(self.bias, mean / ef_scale)

    def forward(self, features: Features) -> Float[Tensor, "batch output"]:
        return self.ef_scale * super().forward(features)
