"""Networks, by what they are."""

from echolib.models.companion import Companion
from echolib.models.contrastive import BYOL, SimCLR
from echolib.models.experts import MultiExpert
from echolib.models.multitask import MasksAndMaps, MultiTask
from echolib.models.segmentation import DeepLabV3, UNet, segmentation_network
from echolib.models.video import ef_regressor, video_encoder

__all__ = [
    "BYOL",
    "Companion",
    "DeepLabV3",
    "MasksAndMaps",
    "MultiExpert",
    "MultiTask",
    "SimCLR",
    "UNet",
    "ef_regressor",
    "segmentation_network",
    "video_encoder",
]
