"""One encoder, two decoders: masks by a U-Net decoder, keypoints by heat maps.

The paper names a shared EfficientNet encoder, a U-Net-style decoder and a convolutional head for heat maps; which
EfficientNet, and all widths and strides, are ours.
"""

from itertools import pairwise
from typing import Literal, NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from echolib.models.pretrained import load_timm, timm_features
from echolib.models.width import FULL_WIDTH, scaled_channels
from echolib.shapes import Images, KeypointMaps, MaskLogits

Variant = Literal["tf_efficientnet_b0", "efficientnet_b0"]
SingleTask = Literal["segmentation", "keypoints"]

IMAGENET = {"tf_efficientnet_b0": "tf_efficientnet_b0.in1k", "efficientnet_b0": "efficientnet_b0.ra_in1k"}
ENCODER_STRIDE, MAP_STRIDE = 32, 4  # pixels of the image to a cell: of the deepest features, of a heat map
DECODER = (256, 128, 64, 32, 16)  # channels from stride 16 to stride 1
KEYPOINT_HEAD = (256, 128, 128)  # channels at strides 16, 8 and 4


class MasksAndMaps(NamedTuple):
    """masks: logits (batch, structures, H, W); maps: (batch, keypoints, H/4, W/4); None where there is no branch."""

    masks: MaskLogits | None
    maps: KeypointMaps | None


class MultiTask(nn.Module):
    """Images (batch, 1 or 3, H, W), H and W multiples of 32 -> `MasksAndMaps`. A grey channel is repeated.

    single_task keeps one of the two branches: the rivals of the ablation. width: 64 is the full size, EfficientNet-B0
    with 16, 24, 40, 112 and 320 channels at strides 2 to 32; another one multiplies all channels by width/64, those of
    the encoder rounded to multiples of 8 as the EfficientNets are scaled (Tan and Le, ICML 2019).
    """

    def __init__(
        self,
        variant: Variant = "tf_efficientnet_b0",
        structures: int = 3,
        keypoints: int = 4,
        width: int = FULL_WIDTH,
        single_task: SingleTask | None = None,
    ) -> None:
        super().__init__()
        self.variant = variant
        self.encoder = efficientnet_features(variant, width)
        channels = self.encoder.feature_info.channels()
        # Both are made, so that a rival draws the initial weights that the joint network has.
        segmentation, head = SegmentationBranch(channels, structures, width), KeypointHead(channels, keypoints, width)
        self.segmentation = None if single_task == "keypoints" else segmentation
        self.keypoints = None if single_task == "segmentation" else head

    def forward(self, images: Images) -> MasksAndMaps:
        height, width = images.shape[-2:]
        if height % ENCODER_STRIDE or width % ENCODER_STRIDE:
            raise ValueError(f"images of {height} x {width} pixels: both have to be multiples of {ENCODER_STRIDE}")
        features = self.encoder(images.expand(-1, 3, -1, -1))
        masks = None if self.segmentation is None else self.segmentation([images, *features])
        maps = None if self.keypoints is None else self.keypoints(features)
        return MasksAndMaps(masks, maps)

    def load_imagenet(self) -> str:
        """ImageNet weights for the encoder; returns what it starts from (see `load_timm`)."""
        return load_timm(self.encoder, IMAGENET[self.variant])


def efficientnet_features(variant: Variant, width: int = FULL_WIDTH) -> nn.Module:
    """timm's EfficientNet-B0 up to its last stage, images (batch, 3, H, W) -> five maps of stride 2 to 32."""
    if width == FULL_WIDTH:
        return timm_features(variant)
    # timm builds B0 to B7 by this function; of their entry points none takes a multiplier of one's own.
    from timm.models.efficientnet import _gen_efficientnet

    # What the weights converted from TensorFlow ask for.
    options = {"bn_eps": 1e-3, "pad_type": "same"} if variant.startswith("tf_") else {}
    return _gen_efficientnet(variant, channel_multiplier=width / FULL_WIDTH, features_only=True, **options)


class SegmentationBranch(nn.Module):
    """The U-Net decoder of segmentation_models_pytorch and a 3 x 3 convolution to one logit per structure."""

    def __init__(self, channels: list[int], structures: int, width: int) -> None:
        super().__init__()
        from segmentation_models_pytorch.decoders.unet.decoder import UnetDecoder  # takes seconds to import

        widths = [scaled_channels(channel_count, width) for channel_count in DECODER]
        self.decoder = UnetDecoder([3, *channels], widths, n_blocks=len(widths))
        self.head = nn.Conv2d(widths[-1], structures, 3, padding=1)

    def forward(self, features: list[Tensor]) -> MaskLogits:
        """The image and the maps of stride 2 to 32 -> logits at the image's size. Of the image only the size counts."""
        return self.head(self.decoder(features))


class KeypointHead(nn.Module):
    """Heat maps from the top down: three times twice the size and a 3 x 3 convolution, from stride 32 to stride 4, and
    at each step the encoder's own map of that stride through a 1 x 1 convolution; then one map per keypoint.

    Without the encoder's finer maps a point's position would have to pass through cells of 32 pixels.
    """

    def __init__(self, channels: list[int], keypoints: int, width: int) -> None:
        super().__init__()
        widths = [scaled_channels(channel_count, width) for channel_count in KEYPOINT_HEAD]
        deepest, finer = channels[-1], channels[-2:0:-1]  # of stride 32; of strides 16, 8 and 4
        self.raised = nn.ModuleList(_convolution(a, b, 3) for a, b in pairwise([deepest, *widths]))
        self.lateral = nn.ModuleList(_convolution(a, b, 1) for a, b in zip(finer, widths, strict=True))
        self.head = nn.Conv2d(widths[-1], keypoints, 1)

    def forward(self, features: list[Tensor]) -> KeypointMaps:
        """Maps of stride 2 to 32 -> heat maps (batch, keypoints, H/4, W/4)."""
        maps, finer = features[-1], features[-2:0:-1]
        for raise_, lateral, skip in zip(self.raised, self.lateral, finer, strict=True):
            maps = F.interpolate(maps, size=skip.shape[-2:], mode="bilinear", align_corners=False)
            maps = raise_(maps) + lateral(skip)
        return self.head(maps)


def _convolution(inputs: int, outputs: int, size: int) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, size, padding=size // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))
