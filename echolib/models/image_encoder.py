"""The encoder of a segmentation network by itself, as it is pretrained, and the heads that are put on it.

It holds its layers under the names they have in the segmentation network, so that its weights carry over.
"""

from torch import nn

from echolib.models.segmentation import SegmentationNetwork, UNet, segmentation_network
from echolib.models.width import scaled_channels
from echolib.shapes import Features, Images


class Encoder(nn.Module):
    """The encoder of a segmentation network, averaged over the image: (batch, 3, H, W) -> (batch, features).

    dilated: DeepLabV3's ResNet-50 with the dilated stages that it segments with; False is the plain network of stride
    32, with the same parameters, in which the released code pretrains BYOL.
    """

    def __init__(self, network: SegmentationNetwork, width: int = 64, dilated: bool = True) -> None:
        super().__init__()
        segmenter = segmentation_network(network, 1, width)
        if isinstance(segmenter, UNet):
            self.down, self.features = segmenter.down, segmenter.down[-1][-2].num_features
        else:
            self.backbone, self.features = segmenter.backbone, scaled_channels(2048, width)
            if not dilated:
                _undilate(self.backbone)

    def forward(self, images: Images) -> Features:
        if hasattr(self, "backbone"):
            return self.backbone(images)["out"].mean((2, 3))
        return UNet.encode(self, images)[-1].mean((2, 3))


def _undilate(backbone: nn.Module) -> None:
    """Gives stages 3 and 4 of a dilated ResNet back their strides."""
    for stage in (backbone["layer3"], backbone["layer4"]):
        for number, block in enumerate(stage):
            block.conv2.dilation, block.conv2.padding = (1, 1), (1, 1)
            if number == 0:
                block.conv2.stride = block.downsample[0].stride = (2, 2)


def perceptron(inputs: int, hidden: int, outputs: int, *, first_bias: bool, last_bias: bool) -> nn.Sequential:
    """A hidden layer with batch normalisation and ReLU, and a linear one: (batch, inputs) -> (batch, outputs)."""
    layers = [nn.Linear(inputs, hidden, bias=first_bias), nn.BatchNorm1d(hidden), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers, nn.Linear(hidden, outputs, bias=last_bias))
