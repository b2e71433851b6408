"""EF by EchoGNN (Mokhtari et al. 2022), with the weight of every frame."""

import pandas as pd
import torch
import torch.nn.functional as F
from torch import nn

from echolib.data.loaders.clips import EFVideos, in_chunks
from echolib.data.sampling import clip_index
from echolib.engine.task import Tables
from echolib.models.echognn import EchoGNN, FrameGraph
from echolib.shapes import Clip, EFPercent, Scalar
from echolib.tasks.ef_from_clips import EFFromClips

CLASS_EDGES = (30.0, 40.0, 55.0)  # percent


class EchoGNNEF(EFFromClips):
    """Absolute error of EF / 100 plus `class_weight` times the cross-entropy of four classes of EF.

    The network reads grey: the mean of the three normalised channels, which on EchoNet-Dynamic is the published
    (level / 255 - 0.1289) / 0.1911 up to the measured mean and standard deviation.
    """

    clip_length: int = 64
    clip_period: int = 1
    dropout: float = 0.5
    class_weight: float = 0.001

    def make_network(self) -> EchoGNN:
        return EchoGNN(self.width, self.clip_length, self.dropout)

    def ejection_fraction(self, output: FrameGraph) -> EFPercent:
        return output.ef.float()

    def loss(self, model: EchoGNN, batch: tuple[Clip, EFPercent]) -> Scalar:
        clips, ef = batch
        graph = model(clips)
        classes = torch.bucketize(ef, ef.new_tensor(CLASS_EDGES), right=True)
        return F.l1_loss(self.ejection_fraction(graph) / 100, ef / 100) + self.class_weight * F.cross_entropy(
            graph.classes.float(), classes
        )

    def predict(self, model: nn.Module, data: EFVideos) -> Tables:
        """Also frame_weights: one row per frame of the middle clip of each test video (name, start, frame, weight)."""
        return super().predict(model, data) | {"frame_weights": self._frame_weights(model, data)}

    def _frame_weights(self, model: EchoGNN, data: EFVideos) -> pd.DataFrame:
        test = data.of_split["test"]
        starts = self.middle(data, test)
        weights = in_chunks(lambda videos, begin: model(self.clips(data, videos, begin)).nodes.float(), test, starts)
        frames, exists = clip_index(starts, data.frames.counts[test], self.clip_length, self.clip_period)
        row, position = (index.cpu().numpy() for index in exists.nonzero(as_tuple=True))
        return pd.DataFrame(
            {
                "name": data.videos["name"].to_numpy()[test.cpu()][row],
                "start": starts.cpu().numpy()[row],
                "frame": frames.cpu().numpy()[row, position],
                "weight": weights.cpu().double().numpy()[row, position],
            }
        )
