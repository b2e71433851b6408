"""EF by squared error and a contrastive loss on labels, whichever that is."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from echolib.data.loaders.clips import EFVideos
from echolib.data.sampling import two_views
from echolib.data.selection import Dataset
from echolib.engine.task import Parent
from echolib.models.auxiliary import WithAuxiliary
from echolib.models.projection import projection_head
from echolib.models.width import scaled_channels
from echolib.shapes import ClipViews, EFPercent, Embeddings, Items, Labels, Scalar, VideoLabels
from echolib.tasks.video_ef import VideoEF

EMBEDDING = 128  # of the projection head at full width


@dataclass(frozen=True)
class ComparedVideos(EFVideos):
    """Videos with the label (videos,) by which a contrastive loss compares them."""

    label: VideoLabels


class ContrastiveEF(VideoEF):
    """Squared error plus `contrast_weight` times a contrastive loss over two crops of each clip. A subclass says which
    loss, and on which labels and embeddings."""

    contrast_weight: float = 0.5  # lambda
    temperature: float

    def load(self, datasets: Mapping[str, Dataset], parents: Mapping[str, Parent], device: torch.device):
        videos = super().load(datasets, parents, device)
        return ComparedVideos(**vars(videos), label=self.compared_labels(videos))

    def compared_labels(self, videos: EFVideos) -> VideoLabels:
        """What the loss compares videos by: (videos,)."""
        return videos.ef

    def head(self, features: int) -> nn.Module:
        """From features to embeddings."""
        return projection_head(features, scaled_channels(EMBEDDING, self.width))

    def build(self, data: ComparedVideos, parents: Mapping[str, Parent]) -> tuple[nn.Module, str]:
        model, start = super().build(data, parents)
        return WithAuxiliary(model, self.head(model.fc.in_features)), start

    def batch(
        self, data: ComparedVideos, items: Items, generator: torch.Generator
    ) -> tuple[ClipViews, EFPercent, Labels]:
        """Clips (2B, 3, T, H, W), the second views after the first; EF (B,); `ComparedVideos.label` (B,)."""
        clips, ef = self.draw(data, items, generator)
        label = data.label[data.of_split["train"][items]]
        return torch.cat(two_views(clips, self.crop_pad, generator)), ef, label

    def loss(self, model: nn.Module, batch: tuple[ClipViews, EFPercent, Labels]) -> Scalar:
        views, ef, label = batch
        features = model.features(views).float()
        regression = F.mse_loss(model.ejection_fraction(features[: len(ef)]), ef)  # on the first views
        return regression + self.contrast_weight * self.contrast(model.auxiliary(features).float(), label.repeat(2))

    def contrast(self, embeddings: Embeddings, labels: Labels) -> Scalar:
        """The contrastive loss of all views: embeddings (2B, D), labels (2B,) -> scalar."""
        raise NotImplementedError
