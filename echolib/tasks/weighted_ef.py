"""EF by squared error in which each video has a weight of its own, whatever weight that is."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn

from echolib.data.loaders.clips import EFVideos
from echolib.data.selection import Dataset
from echolib.engine.task import Parent
from echolib.losses.weighted import weighted_mse
from echolib.shapes import Clip, EFPercent, Items, LabelWeights, Scalar, VideoLabels
from echolib.tasks.video_ef import VideoEF


@dataclass(frozen=True)
class WeightedVideos(EFVideos):
    """Videos with the weight (videos,) of each in the loss: 0 outside the training split, mean 1 within it."""

    weight: VideoLabels


class WeightedEF(VideoEF):
    """Squared error weighted by how rare a video's label is; a subclass says by which weights."""

    def load(self, datasets: Mapping[str, Dataset], parents: Mapping[str, Parent], device: torch.device):
        videos = super().load(datasets, parents, device)
        train = videos.of_split["train"]
        weight = torch.zeros_like(videos.ef)
        weight[train] = self.label_weights(videos.ef[train])
        return WeightedVideos(**vars(videos), weight=weight)

    def label_weights(self, ef: EFPercent) -> LabelWeights:
        """The weight of each training video: EF (videos,) in percent -> (videos,) of mean 1."""
        raise NotImplementedError

    def batch(
        self, data: WeightedVideos, items: Items, generator: torch.Generator
    ) -> tuple[Clip, EFPercent, LabelWeights]:
        """As of every EF task, and the weight of each video."""
        clips, ef = super().batch(data, items, generator)
        return clips, ef, data.weight[data.of_split["train"][items]]

    def loss(self, model: nn.Module, batch: tuple[Clip, EFPercent, LabelWeights]) -> Scalar:
        clips, ef, weight = batch
        return weighted_mse(self.ejection_fraction(model(clips)), ef, weight)
