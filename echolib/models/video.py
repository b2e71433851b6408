"""Video encoders: R(2+1)D-18, R3D-18 and MC3-18 (Tran et al. 2018), as EchoNet-Dynamic uses them for EF, and a siamese
ResNet-18 for clips of two frames."""

from functools import partial
from typing import Literal

from torch import nn
from torchvision.models import video
from torchvision.models.video.resnet import BasicBlock, Conv3DNoTemporal, VideoResNet

from echolib.models.ef_head import EFHead
from echolib.models.pretrained import load_published
from echolib.models.width import scaled_network
from echolib.shapes import Clip, Features, VideoFeatures

VideoNetwork = Literal["r2plus1d_18", "r3d_18", "mc3_18", "siamese_18"]

KINETICS = {
    "r2plus1d_18": video.R2Plus1D_18_Weights.KINETICS400_V1,
    "r3d_18": video.R3D_18_Weights.KINETICS400_V1,
    "mc3_18": video.MC3_18_Weights.KINETICS400_V1,
}
STAGES = ("layer1", "layer2", "layer3", "layer4")


def video_encoder(network: VideoNetwork, width: int = 64, blocks: int = 2) -> nn.Module:
    """An 18-layer video ResNet whose last layer gives one number: clips (batch, 3, time, H, W) -> (batch, 1); of two
    frames for "siamese_18".

    width: channels of the first stage (64 is the published network), blocks: residual blocks per stage (2 likewise).
    `network.stem`, `layer1` to `layer4`, `avgpool` and `fc` keep torchvision's names.
    """
    build = siamese_18 if network == "siamese_18" else partial(video.__dict__[network], weights=None, num_classes=1)
    encoder = scaled_network(build, width)
    for stage in STAGES:
        setattr(encoder, stage, getattr(encoder, stage)[:blocks])
    return encoder


class FrameStem(nn.Sequential):
    """The stem of a ResNet on each frame by itself: half the height and width, 64 channels."""

    def __init__(self) -> None:
        convolution = nn.Conv3d(3, 64, (1, 7, 7), stride=(1, 2, 2), padding=(0, 3, 3), bias=False)
        super().__init__(convolution, nn.BatchNorm3d(64), nn.ReLU(inplace=True))


def siamese_18() -> nn.Module:
    """ResNet-18 on each of two frames by itself, with the same weights; its last layer reads the pooled features of
    both side by side, so that it can weigh end diastole against end systole."""
    network = VideoResNet(BasicBlock, [Conv3DNoTemporal] * 4, [2, 2, 2, 2], FrameStem, num_classes=1)
    network.avgpool = nn.AdaptiveAvgPool3d((2, 1, 1))
    network.fc = nn.Linear(2 * network.fc.in_features, 1)
    return network


def load_kinetics(encoder: nn.Module, network: VideoNetwork) -> str:
    """Kinetics-400 weights for all but the last layer; returns what the encoder starts from (see `load_published`)."""
    return load_published(encoder, KINETICS[network], skip=("fc.",))


def stage_features(encoder: nn.Module, clips: Clip) -> VideoFeatures:
    """Z, what the last stage gives: clips (batch, 3, time, H, W) -> (batch, C, T, H / 16, W / 16)."""
    for stage in (encoder.stem, encoder.layer1, encoder.layer2, encoder.layer3, encoder.layer4):
        clips = stage(clips)
    return clips


def clip_features(encoder: nn.Module, clips: Clip) -> Features:
    """What the last layer reads: clips (batch, 3, time, H, W) -> (batch, features)."""
    return encoder.avgpool(stage_features(encoder, clips)).flatten(1)


def ef_regressor(
    network: VideoNetwork, width: int = 64, blocks: int = 2, mean: float = 55.6, ef_scale: float = 1.0
) -> nn.Module:
    """The encoder with a head for EF in percent: clips (batch, 3, time, H, W) -> (batch, 1).

    EchoNet-Dynamic starts the bias at 55.6 and has an EF scale of 1. Optimisers that normalise gradients move a weight
    by its learning rate whatever the loss's unit: from random weights they learn EF sooner where `ef_scale` is about
    EF's standard deviation.
    """
    encoder = video_encoder(network, width, blocks)
    encoder.fc = EFHead(encoder.fc.in_features, mean, ef_scale)
    return encoder
