"""EF by Focal-R (Lin et al. 2017, as a regression loss in Yang et al. 2021)."""

from typing import Literal

from torch import nn

from echolib.losses.focal import focal_l1, focal_mse
from echolib.shapes import Clip, EFPercent, Scalar
from echolib.tasks.video_ef import VideoEF


class FocalEF(VideoEF):
    """Focal-R: the error scaled by a sigmoid of its size, so that well-fitted videos count less (Lin et al. 2017, as a
    regression loss in Yang et al. 2021)."""

    error: Literal["squared", "absolute"] = "squared"
    beta: float = 0.2
    gamma: float = 1.0

    def loss(self, model: nn.Module, batch: tuple[Clip, EFPercent]) -> Scalar:
        clips, ef = batch
        focal = focal_mse if self.error == "squared" else focal_l1
        return focal(self.ejection_fraction(model(clips)), ef, beta=self.beta, gamma=self.gamma)
