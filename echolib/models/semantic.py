"""EF beside segmentation in one network: the semi-supervised branch of Chen and Li (Sec. 2.2) on a video encoder."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torchvision.models.segmentation.deeplabv3 import ASPP

from echolib.models.anchors import AnchorHead
from echolib.models.stca import STCA
from echolib.models.video import stage_features
from echolib.shapes import AnchorOutputs, Clip, MaskLogits, VideoFeatures

ATROUS = (12, 24, 36)  # of DeepLabV3


class SemanticOutput(NamedTuple):
    """Scores and offsets (batch, M) of the anchors; logits (batch, 2, h, w) of the masks at ED and ES."""

    scores: AnchorOutputs
    offsets: AnchorOutputs
    masks: MaskLogits


class FramePath(nn.Module):
    """Segments a frame that it chooses by itself: Z (batch, C, T, H, W) -> logits (batch, 1, 2H, 2W).

    Eq. 3: R = softmax over time of W3 * mean_hw Z; Eq. 4: F = sum_t Z_t R_t. F is upsampled to the resolution that
    DeepLabV3 has before its ASPP, which follows, with a decoder of two convolutions.
    """

    def __init__(self, channels: int, hidden: int = 256) -> None:
        super().__init__()
        self.relevance = nn.Conv1d(channels, 1, 1, bias=False)  # W3; softmax does not see a bias
        self.segment = nn.Sequential(
            ASPP(channels, ATROUS, hidden),
            nn.Conv2d(hidden, hidden, 3, padding=1, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden, 1, 1),
        )

    def weights(self, z: VideoFeatures) -> Float[Tensor, "batch 1 step"]:
        """R: (batch, 1, T), which sum to 1."""
        return self.relevance(z.mean((3, 4))).softmax(2)

    def forward(self, z: VideoFeatures) -> Float[Tensor, "batch 1 2*row 2*column"]:
        frame = torch.einsum("bcthw,bt->bchw", z, self.weights(z).squeeze(1))
        return self.segment(F.interpolate(frame, scale_factor=2, mode="bilinear", align_corners=False))


def ventricle_region(
    logits: Float[Tensor, "batch 1 height width"], size: tuple[int, int]
) -> Float[Tensor, "batch 1 row column"]:
    """Where S-TCA looks: probabilities of the ED mask (batch, 1, H, W) dilated by one cell, then at `size` the highest
    of each cell. Without gradient, so that the segmentation is learnt from its own labels alone."""
    return F.adaptive_max_pool2d(F.max_pool2d(logits.detach().sigmoid(), 3, 1, 1), size)


class SemanticNetwork(nn.Module):
    """M3 of Table 2: a video encoder whose last stage feeds two segmentation paths, S-TCA and the anchor head.

    encoder: torchvision's video ResNet, with or without attention after its stages; its head is taken off.
    hidden: channels of the segmentation paths, 256 in DeepLabV3.
    """

    def __init__(self, encoder: nn.Module, attention: STCA, hidden: int = 256) -> None:
        super().__init__()
        channels = encoder.fc.in_features
        encoder.fc = nn.Identity()
        self.encoder, self.attention = encoder, attention
        self.diastole, self.systole = FramePath(channels, hidden), FramePath(channels, hidden)
        self.fc = AnchorHead(channels)

    def excited_features(self, clips: Clip) -> tuple[VideoFeatures, Float[Tensor, "batch 2 2*row 2*column"]]:
        """What is pooled for EF, (batch, C, T, H, W), and the logits of the masks (batch, 2, 2H, 2W)."""
        z = stage_features(self.encoder, clips)
        masks = torch.cat([self.diastole(z), self.systole(z)], 1)
        return self.attention(z, ventricle_region(masks[:, :1], z.shape[-2:])), masks

    def forward(self, clips: Clip) -> SemanticOutput:
        features, masks = self.excited_features(clips)
        scores, offsets = self.fc(features.mean((2, 3, 4)))
        size = clips.shape[-2:]
        return SemanticOutput(scores, offsets, F.interpolate(masks, size=size, mode="bilinear", align_corners=False))


class SemanticPairs(nn.Module):
    """The segmentation branch beside the anchor head on an encoder of two frames, ED and ES: without S-TCA, which
    compares frames over time.

    encoder: `siamese_18`; its head is taken off. hidden: channels of the segmentation paths; mean: see `AnchorHead`.
    """

    def __init__(self, encoder: nn.Module, hidden: int = 256, mean: float = 55.6) -> None:
        super().__init__()
        features = encoder.fc.in_features
        encoder.fc = nn.Identity()
        self.encoder, self.fc = encoder, AnchorHead(features, mean=mean)
        self.diastole, self.systole = FramePath(features // 2, hidden), FramePath(features // 2, hidden)

    def forward(self, clips: Clip) -> SemanticOutput:
        z = stage_features(self.encoder, clips)
        masks = torch.cat([self.diastole(z), self.systole(z)], 1)
        scores, offsets = self.fc(self.encoder.avgpool(z).flatten(1))
        size = clips.shape[-2:]
        return SemanticOutput(scores, offsets, F.interpolate(masks, size=size, mode="bilinear", align_corners=False))
