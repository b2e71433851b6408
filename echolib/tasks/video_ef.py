"""Ejection fraction by one of the three video networks of EchoNet-Dynamic (Ouyang et al. 2020), whatever the loss."""

from collections.abc import Mapping
from typing import Literal

from torch import nn

from echolib.data.loaders.clips import EFVideos
from echolib.engine.task import Parent
from echolib.models.video import VideoNetwork, ef_regressor, load_kinetics
from echolib.tasks.ef_from_clips import EFFromClips


class VideoEF(EFFromClips):
    """One of the three video networks of EchoNet-Dynamic; a subclass says what it learns from."""

    network: VideoNetwork = "r2plus1d_18"
    blocks: int = 2
    weights: Literal["kinetics", "none"] = "none"
    ef_scale: float = 1.0  # percent points of EF per unit of the last layer
    first_ef: float = 55.6  # percent, that a fresh network predicts: about the mean of the labels

    def build(self, data: EFVideos, parents: Mapping[str, Parent]) -> tuple[nn.Module, str]:
        model = self.make_network()
        return model, load_kinetics(model, self.network) if self.weights == "kinetics" else "random"

    def make_network(self) -> nn.Module:
        return ef_regressor(self.network, self.width, self.blocks, self.first_ef, self.ef_scale)
