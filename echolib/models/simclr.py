"""SimCLR (Chen et al. 2020) around the encoder of a segmentation network."""

from torch import nn

from echolib.models.image_encoder import Encoder, perceptron
from echolib.models.segmentation import SegmentationNetwork
from echolib.models.width import scaled_channels
from echolib.shapes import Embeddings, Images


class SimCLR(nn.Module):
    """Encoder and projection head, features -> features -> 128: images -> embeddings (batch, 128 at full width)."""

    def __init__(self, network: SegmentationNetwork, width: int = 64, dilated: bool = True) -> None:
        super().__init__()
        self.encoder = Encoder(network, width, dilated)
        size = self.encoder.features
        self.head = perceptron(size, size, max(16, scaled_channels(128, width)), first_bias=True, last_bias=False)

    def forward(self, images: Images) -> Embeddings:
        return self.head(self.encoder(images))
