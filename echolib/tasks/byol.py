"""Pretraining by BYOL (Grill et al. 2020)."""

from typing import Literal

from echolib.losses.byol import byol
from echolib.models.byol import BYOL, target_momentum
from echolib.shapes import Embeddings, Images, Scalar, ViewPairs
from echolib.tasks.pretraining import Pretraining


class BYOLPretraining(Pretraining):
    """Each view predicts what a slowly following copy of the network makes of the other.

    The last epoch is kept: the loss is a distance from a target that moves, and lowest at the start, where the target
    still equals what predicts it.
    """

    momentum: float = 0.996
    keep: Literal["lowest_loss", "last"] = "last"

    def make_network(self) -> BYOL:
        return BYOL(self.network, self.width, self.dilated)

    def embeddings(self, model: BYOL, images: Images) -> Embeddings:
        return model.online(images)

    def loss(self, model: BYOL, batch: ViewPairs) -> Scalar:
        views = batch.flatten(0, 1)
        first, second = model(views).float().chunk(2)
        target_first, target_second = model.project(views).float().chunk(2)
        return byol(first, target_second, second, target_first)

    def after_step(self, model: BYOL, progress: float) -> None:
        model.update_target(target_momentum(progress, self.momentum))
