"""Pretraining by SimCLR (Chen et al. 2020)."""

from typing import Literal

from echolib.losses.nt_xent import nt_xent
from echolib.models.simclr import SimCLR
from echolib.shapes import Embeddings, Images, Scalar, ViewPairs
from echolib.tasks.pretraining import Pretraining


class SimCLRPretraining(Pretraining):
    """The views of a frame against those of all others; the epoch of the lowest validation loss is kept, as by the code
    that Saeed et al. released."""

    temperature: float = 0.1
    keep: Literal["lowest_loss", "last"] = "lowest_loss"

    def make_network(self) -> SimCLR:
        return SimCLR(self.network, self.width, self.dilated)

    def embeddings(self, model: SimCLR, images: Images) -> Embeddings:
        return model(images)

    def loss(self, model: SimCLR, batch: ViewPairs) -> Scalar:
        first, second = model(batch.flatten(0, 1)).float().chunk(2)
        return nt_xent(first, second, temperature=self.temperature)
