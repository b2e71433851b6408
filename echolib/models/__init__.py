"""Networks, by what they are."""

from echolib.models.anchors import AnchorHead
from echolib.models.attention import ME, SE, STCA, TCA
from echolib.models.bayesian import GaussianEF, predictive
from echolib.models.companion import Companion
from echolib.models.contrastive import BYOL, SimCLR
from echolib.models.echocotr import EchoCoTr
from echolib.models.echognn import EchoGNN
from echolib.models.experts import MultiExpert
from echolib.models.multitask import MasksAndMaps, MultiTask
from echolib.models.segmentation import DeepLabV3, UNet, segmentation_network
from echolib.models.semantic import SemanticNetwork
from echolib.models.uvt import UVT
from echolib.models.video import ef_regressor, video_encoder

__all__ = [
    "BYOL",
    "ME",
    "SE",
    "STCA",
    "TCA",
    "UVT",
    "AnchorHead",
    "Companion",
    "DeepLabV3",
    "EchoCoTr",
    "EchoGNN",
    "GaussianEF",
    "MasksAndMaps",
    "MultiExpert",
    "MultiTask",
    "SemanticNetwork",
    "SimCLR",
    "UNet",
    "ef_regressor",
    "predictive",
    "segmentation_network",
    "video_encoder",
]
