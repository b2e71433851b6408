"""Segmentation networks: DeepLabV3 on a dilated ResNet-50 (Chen et al. 2017) and U-Net (Ronneberger et al. 2015).

Both take images (batch, channels, H, W) and give logits (batch, classes, H, W).
"""

from functools import partial
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import ResNet50_Weights
from torchvision.models.segmentation import deeplabv3_resnet50

from echolib.models.pretrained import load_published
from echolib.models.width import scaled_network
from echolib.shapes import Images, MaskLogits

SegmentationNetwork = Literal["deeplabv3_resnet50", "unet"]
AtrousRates = tuple[int, int, int]
PUBLISHED_RATES: AtrousRates = (12, 24, 36)  # of 3 x 3 kernels on a map of 28 x 28 cells: 224 px at stride 8


class DeepLabV3(nn.Module):
    """torchvision's DeepLabV3-ResNet-50, which dilates stages 3 and 4 (stride 8); width 64 is the published network.

    rates: of the three dilated convolutions of its pyramid. On a map that is smaller than a rate, all but the middle of
    a kernel sees padding.
    """

    def __init__(self, classes: int = 1, width: int = 64, rates: AtrousRates = PUBLISHED_RATES) -> None:
        super().__init__()
        build = partial(deeplabv3_resnet50, weights=None, weights_backbone=None, num_classes=classes)
        network = scaled_network(build, width)
        # Scaled, the last layer would lose classes where there are more than three.
        network.classifier[4] = nn.Conv2d(network.classifier[4].in_channels, classes, 1)
        for branch, rate in zip(network.classifier[0].convs[1:4], rates, strict=True):
            branch[0].dilation = branch[0].padding = (rate, rate)
        self.backbone, self.classifier = network.backbone, network.classifier

    def forward(self, images: Images) -> MaskLogits:
        logits = self.classifier(self.backbone(images)["out"])
        return F.interpolate(logits, size=images.shape[-2:], mode="bilinear", align_corners=False)

    def load_imagenet(self) -> str:
        """ImageNet weights for the backbone; returns what it starts from (see `load_published`)."""
        return load_published(self.backbone, ResNet50_Weights.IMAGENET1K_V2, skip=("fc.",))


def _double_convolution(inputs: int, outputs: int, middle: int | None = None) -> nn.Sequential:
    layers = []
    for a, b in ((inputs, middle or outputs), (middle or outputs, outputs)):
        layers += [nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


class UNet(nn.Module):
    """U-Net with batch normalisation and bilinear upsampling; bottleneck of 8 x width channels.

    With one class, width 64 and three input channels it has the 17,267,393 parameters of the network that
    Saeed et al. pretrain. Any image size of at least 16 pixels is taken: maps are padded where a halving was uneven.
    """

    def __init__(self, classes: int = 1, width: int = 64, channels: int = 3) -> None:
        super().__init__()
        widths = [width, 2 * width, 4 * width, 8 * width, 8 * width]
        self.down = nn.ModuleList()
        for inputs, outputs in zip([channels, *widths[:-1]], widths, strict=True):
            self.down.append(_double_convolution(inputs, outputs))
        self.up = nn.ModuleList()
        for level in (3, 2, 1, 0):
            inputs = 2 * widths[level]  # the skip connection and as many channels from below
            self.up.append(_double_convolution(inputs, widths[max(level - 1, 0)], inputs // 2))
        self.head = nn.Conv2d(width, classes, 1)

    def encode(self, images: Images) -> list[Tensor]:
        """Feature maps of the five levels, finest first, at strides 1, 2, 4, 8 and 16."""
        maps = [self.down[0](images)]
        for stage in self.down[1:]:
            maps.append(stage(F.max_pool2d(maps[-1], 2)))
        return maps

    def forward(self, images: Images) -> MaskLogits:
        *skips, maps = self.encode(images)
        for stage, skip in zip(self.up, reversed(skips), strict=True):
            upsampled = F.interpolate(maps, size=skip.shape[-2:], mode="bilinear", align_corners=False)
            maps = stage(torch.cat([skip, upsampled], dim=1))
        return self.head(maps)


def rates_at(size: int) -> AtrousRates:
    """The published rates, scaled with the map of images of size x size pixels; as published at 224 px."""
    first, second, third = (max(1, round(rate * size / 224)) for rate in PUBLISHED_RATES)
    return first, second, third


def segmentation_network(
    network: SegmentationNetwork, classes: int = 1, width: int = 64, rates: AtrousRates = PUBLISHED_RATES
) -> nn.Module:
    """The network by its name; rates: see `DeepLabV3`."""
    return DeepLabV3(classes, width, rates) if network == "deeplabv3_resnet50" else UNet(classes, width)
