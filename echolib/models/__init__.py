"""Networks, by what they are."""

from echolib.models.anchors import AnchorHead
from echolib.models.auxiliary import WithAuxiliary
from echolib.models.bayesian import GaussianEF, predictive
from echolib.models.byol import BYOL
from echolib.models.echocotr import EchoCoTr
from echolib.models.echognn import EchoGNN
from echolib.models.experts import MultiExpert
from echolib.models.feature_smoothing import FDS
from echolib.models.me import ME
from echolib.models.multitask import MasksAndMaps, MultiTask
from echolib.models.se import SE
from echolib.models.segmentation import DeepLabV3, UNet, segmentation_network
from echolib.models.semantic import SemanticNetwork
from echolib.models.simclr import SimCLR
from echolib.models.stca import STCA
from echolib.models.tca import TCA
from echolib.models.uvt import UVT
from echolib.models.video import ef_regressor, video_encoder

__all__ = [
    "BYOL",
    "FDS",
    "ME",
    "SE",
    "STCA",
    "TCA",
    "UVT",
    "AnchorHead",
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
    "WithAuxiliary",
    "ef_regressor",
    "predictive",
    "segmentation_network",
    "video_encoder",
]
