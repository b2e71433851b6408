"""EF by EchoCoTr (Muhtaseb and Yaqub 2022)."""

import torch.nn.functional as F
from pydantic import PositiveInt

from echolib.models.echocotr import DEPTHS, EchoCoTr
from echolib.shapes import Clip, EFPercent, Scalar
from echolib.tasks.ef_from_clips import EFFromClips


class EchoCoTrEF(EFFromClips):
    """Squared error of UniFormer-S on 36 frames, every fourth.

    The released training starts from UniFormer's Kinetics weights; here it starts from random ones.
    """

    clip_length: int = 36
    clip_period: int = 4
    depths: tuple[PositiveInt, PositiveInt, PositiveInt, PositiveInt] = DEPTHS  # blocks per stage
    dropout: float = 0.1
    ef_scale: float = 1.0  # percent points of EF per unit of the last layer

    def make_network(self) -> EchoCoTr:
        return EchoCoTr(self.width, self.depths, self.dropout, ef_scale=self.ef_scale)

    def loss(self, model: EchoCoTr, batch: tuple[Clip, EFPercent]) -> Scalar:
        clips, ef = batch
        return F.mse_loss(self.ejection_fraction(model(clips)), ef)
