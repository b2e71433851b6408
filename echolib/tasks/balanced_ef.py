"""EF by Balanced MSE (Ren et al. 2022)."""

from collections.abc import Mapping

from torch import nn

from echolib.data.loaders.clips import EFVideos
from echolib.engine.task import Parent
from echolib.losses.balanced import BalancedMSE
from echolib.models.auxiliary import WithAuxiliary
from echolib.shapes import Clip, EFPercent, Scalar
from echolib.tasks.video_ef import VideoEF


class BalancedEF(VideoEF):
    """Balanced MSE with a learnt noise scale, batch-based (Ren et al. 2022)."""

    initial_sigma: float = 1.0

    def build(self, data: EFVideos, parents: Mapping[str, Parent]) -> tuple[nn.Module, str]:
        model, start = super().build(data, parents)
        return WithAuxiliary(model, BalancedMSE(self.initial_sigma)), start

    def loss(self, model: nn.Module, batch: tuple[Clip, EFPercent]) -> Scalar:
        clips, ef = batch
        return model.auxiliary(self.ejection_fraction(model(clips)), ef)
