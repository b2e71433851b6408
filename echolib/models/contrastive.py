"""SimCLR (Chen et al. 2020) and BYOL (Grill et al. 2020) around the encoder of a segmentation network.

Both hold the encoder under the names it has in the segmentation network, so that its weights carry over.
"""

import copy
import math

import torch
from torch import Tensor, nn

from echolib.models.narrow import scaled
from echolib.models.segmentation import DeepLabV3, SegmentationNetwork, UNet, segmentation_network


class Encoder(nn.Module):
    """The encoder of a segmentation network, averaged over the image: (batch, 3, H, W) -> (batch, features).

    dilated: DeepLabV3's ResNet-50 with the dilated stages that it segments with; False is the plain network of stride
    32, with the same parameters, in which the released code pretrains BYOL.
    """

    def __init__(self, network: SegmentationNetwork, width: int = 64, dilated: bool = True) -> None:
        super().__init__()
        whole = segmentation_network(network, 1, width)
        if isinstance(whole, UNet):
            self.down, self.features = whole.down, whole.down[-1][-2].num_features
        else:
            self.backbone, self.features = whole.backbone, scaled(2048, width)
            if not dilated:
                _undilate(self.backbone)

    def forward(self, images: Tensor) -> Tensor:
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


def load_encoder(network: nn.Module, state: dict[str, Tensor]) -> None:
    """Puts a pretrained `Encoder`'s weights into a segmentation network; the names of all must be found there."""
    part = "backbone." if isinstance(network, DeepLabV3) else "down."
    prefix = next(p for p in ("encoder.", "online.0.") if any(name.startswith(p + part) for name in state))
    weights = {n.removeprefix(prefix + part): t for n, t in state.items() if n.startswith(prefix + part)}
    getattr(network, part[:-1]).load_state_dict(weights)


def _perceptron(inputs: int, hidden: int, outputs: int, *, first_bias: bool, last_bias: bool) -> nn.Sequential:
    layers = [nn.Linear(inputs, hidden, bias=first_bias), nn.BatchNorm1d(hidden), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers, nn.Linear(hidden, outputs, bias=last_bias))


class SimCLR(nn.Module):
    """Encoder and projection head, features -> features -> 128: images -> embeddings (batch, 128 at full width)."""

    def __init__(self, network: SegmentationNetwork, width: int = 64, dilated: bool = True) -> None:
        super().__init__()
        self.encoder = Encoder(network, width, dilated)
        size = self.encoder.features
        self.head = _perceptron(size, size, max(16, scaled(128, width)), first_bias=True, last_bias=False)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.encoder(images))


class BYOL(nn.Module):
    """Online encoder, projector (-> 4096 -> 256) and predictor (256 -> 4096 -> 256), and the target that follows them.

    The target's parameters are a running average of the online ones; they never see a gradient.
    """

    def __init__(self, network: SegmentationNetwork, width: int = 64, dilated: bool = True) -> None:
        super().__init__()
        hidden, size = scaled(4096, width), max(16, scaled(256, width))
        encoder = Encoder(network, width, dilated)
        options = {"first_bias": False, "last_bias": True}
        self.online = nn.Sequential(encoder, _perceptron(encoder.features, hidden, size, **options))
        self.predictor = _perceptron(size, hidden, size, **options)
        self.target = copy.deepcopy(self.online).requires_grad_(False)

    @property
    def encoder(self) -> Encoder:
        """The online encoder: what is kept."""
        return self.online[0]

    def forward(self, images: Tensor) -> Tensor:
        """Predictions (batch, size) of what the target makes of another view."""
        return self.predictor(self.online(images))

    @torch.no_grad()
    def project(self, images: Tensor) -> Tensor:
        """The target's projections (batch, size)."""
        return self.target(images)

    @torch.no_grad()
    def follow(self, momentum: float) -> None:
        """Moves each of the target's parameters by (1 - momentum) towards the online one; buffers are its own."""
        for slow, fast in zip(self.target.parameters(), self.online.parameters(), strict=True):
            slow.lerp_(fast, 1 - momentum)


def target_momentum(progress: float, base: float = 0.996) -> float:
    """BYOL's momentum at a share of the training: base at 0, along a cosine to 1 (Grill et al. 2020)."""
    return 1 - (1 - base) * (math.cos(math.pi * progress) + 1) / 2
