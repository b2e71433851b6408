"""The base system of EchoNet-Dynamic: squared error (Ouyang et al. 2020)."""

import torch.nn.functional as F
from torch import nn

from echolib.shapes import Clip, EFPercent, Scalar
from echolib.tasks.video_ef import VideoEF


class EFRegression(VideoEF):
    """Mean squared error of EF."""

    def loss(self, model: nn.Module, batch: tuple[Clip, EFPercent]) -> Scalar:
        clips, ef = batch
        return F.mse_loss(self.ejection_fraction(model(clips)), ef)
