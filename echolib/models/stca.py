"""Semantic-aware temporal channel-wise attention (Chen and Li, Sec. 2.2.1)."""

from jaxtyping import Float
from torch import Tensor

from echolib.models.tca import TCA
from echolib.shapes import VideoFeatures


class STCA(TCA):
    """TCA whose gate sees the left ventricle alone (Sec. 2.2.1): mask (batch, 1, H, W) in 0 to 1, the same at all T."""

    def forward(self, x: VideoFeatures, mask: Float[Tensor, "batch 1 row column"]) -> VideoFeatures:
        return x * (1 + self.gate(x * mask.unsqueeze(2))[..., None, None])
