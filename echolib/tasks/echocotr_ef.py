"""EF by EchoCoTr (Muhtaseb and Yaqub 2022)."""

from typing import Literal

from pydantic import PositiveInt

from echolib.models.echocotr import DEPTHS, EchoCoTr
from echolib.tasks.ef_regression import EFFromClips


class EchoCoTrEF(EFFromClips):
    """Squared error of UniFormer-S on 36 frames, every fourth.

    The released training starts from UniFormer's Kinetics weights; here it starts from random ones.
    """

    kind: Literal["echocotr"] = "echocotr"
    clip_length: int = 36
    clip_period: int = 4
    depths: tuple[PositiveInt, PositiveInt, PositiveInt, PositiveInt] = DEPTHS  # blocks a stage
    dropout: float = 0.1
    spread: float = 1.0  # EF points to a unit of the last layer

    def make_network(self) -> EchoCoTr:
        return EchoCoTr(self.width, self.depths, self.dropout, spread=self.spread)
