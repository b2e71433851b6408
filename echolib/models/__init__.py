"""Networks, by what they are."""

from echolib.models.anchors import AnchorHead
from echolib.models.attention import ME, SE, STCA, TCA
from echolib.models.companion import Companion
from echolib.models.contrastive import BYOL, SimCLR
from echolib.models.experts import MultiExpert
from echolib.models.segmentation import DeepLabV3, UNet, segmentation_network
from echolib.models.semantic import SemanticNetwork
from echolib.models.video import ef_regressor, video_encoder

__all__ = [
    "BYOL",
    "ME",
    "SE",
    "STCA",
    "TCA",
    "AnchorHead",
    "Companion",
    "DeepLabV3",
    "MultiExpert",
    "SemanticNetwork",
    "SimCLR",
    "UNet",
    "ef_regressor",
    "segmentation_network",
    "video_encoder",
]
