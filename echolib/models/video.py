"""Video encoders: R(2+1)D-18, R3D-18 and MC3-18 (Tran et al. 2018), as EchoNet-Dynamic uses them for EF."""

from functools import partial
from typing import Literal

from torch import nn
from torchvision.models import video

from echolib.models.ef_head import EFHead
from echolib.models.pretrained import load_published
from echolib.models.width import scaled_network
from echolib.shapes import Clip, Features

VideoNetwork = Literal["r2plus1d_18", "r3d_18", "mc3_18"]

KINETICS = {
    "r2plus1d_18": video.R2Plus1D_18_Weights.KINETICS400_V1,
    "r3d_18": video.R3D_18_Weights.KINETICS400_V1,
    "mc3_18": video.MC3_18_Weights.KINETICS400_V1,
}
STAGES = ("layer1", "layer2", "layer3", "layer4")


def video_encoder(network: VideoNetwork, width: int = 64, blocks: int = 2) -> nn.Module:
    """An 18-layer video ResNet whose last layer gives one number: clips (batch, 3, time, H, W) -> (batch, 1).

    width: channels of the first stage (64 is the published network), blocks: residual blocks per stage (2 likewise).
    `network.stem`, `layer1` to `layer4`, `avgpool` and `fc` keep torchvision's names.
    """
    encoder = scaled_network(partial(video.__dict__[network], weights=None, num_classes=1), width)
    for stage in STAGES:
        setattr(encoder, stage, getattr(encoder, stage)[:blocks])
    return encoder


def load_kinetics(encoder: nn.Module, network: VideoNetwork) -> str:
    """Kinetics-400 weights for all but the last layer; returns what the encoder starts from (see `load_published`)."""
    return load_published(encoder, KINETICS[network], skip=("fc.",))


def clip_features(encoder: nn.Module, clips: Clip) -> Features:
    """What the last layer reads: clips (batch, 3, time, H, W) -> (batch, features)."""
    for stage in (encoder.stem, encoder.layer1, encoder.layer2, encoder.layer3, encoder.layer4, encoder.avgpool):
        clips = stage(clips)
    return clips.flatten(1)


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
