"""EF regression whose features also obey a contrastive loss on labels: EchoMEN's first stage and its rivals."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from echolib.data.loaders.clips import EFVideos
from echolib.data.sampling import two_views
from echolib.data.selection import Dataset
from echolib.engine.task import Parent
from echolib.losses.supervised_contrastive import bin_labels, ldw_supcon, rank_n_contrast, supcon
from echolib.models.companion import Companion, projector
from echolib.models.narrow import scaled
from echolib.tasks.ef_regression import EFRegression

EMBEDDING = 128  # of the projector at full width
RANK_SPREAD = 300.0  # twice AdaCon's scale factor of 150: mid-ranks of N videos are brought to 0 to 300


@dataclass(frozen=True)
class BinnedVideos(EFVideos):
    """Videos with the label (videos,) by which they are positives of each other: equal where EF shares a bin."""

    label: Tensor


class ContrastiveEF(EFRegression):
    """Squared error plus `strength` times a contrastive loss over two crops of each clip (Lai et al. 2024, Sec. 2.1).

    "ldw_supcon" is EchoMEN's Eq. 1, "supcon" its special case without label distances, "rank_n_contrast" the loss of
    Zha et al. (2023) on the features themselves. Labels within one bin of `bin_width` EF points are positives.

    distance "l1" or "l2" is of EF / 100. "mid_rank" is 300 |R_i - R_j| / N with R the mid-rank of a video's bin
    among the N training videos: the public code that the released scripts follow has it so (AdaCon).
    """

    kind: Literal["contrastive_ef"] = "contrastive_ef"
    contrast: Literal["ldw_supcon", "supcon", "rank_n_contrast"] = "ldw_supcon"
    strength: float = 0.5  # lambda
    temperature: float = 0.1
    distance: Literal["l1", "l2", "mid_rank"] = "l1"
    denominator: Literal["negatives", "all"] = "negatives"
    reduction: Literal["mean", "sum"] = "mean"
    bin_width: float = 1.0

    def load(self, datasets: Mapping[str, Dataset], parents: Mapping[str, Parent], device: torch.device):
        videos = super().load(datasets, parents, device)
        label = bin_labels(videos.ef, self.bin_width).to(videos.ef.dtype)
        if self.distance == "mid_rank":
            train = label[videos.of_split["train"]]
            label = mid_ranks(label, train) * (RANK_SPREAD / len(train))
        return BinnedVideos(**vars(videos), label=label)

    def build(self, data: BinnedVideos, parents: Mapping[str, Parent]) -> tuple[nn.Module, str]:
        model, start = super().build(data, parents)
        return Companion(model, projector(model.fc.in_features, scaled(EMBEDDING, self.width))), start

    def batch(self, data: BinnedVideos, items: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Clips (2B, 3, T, H, W), the second views after the first; EF (B,); `BinnedVideos.label` (B,)."""
        clips, ef = self.draw(data, items, generator)
        label = data.label[data.of_split["train"][items]]
        return torch.cat(two_views(clips, self.crop_pad, generator)), ef, label

    def loss(self, model: nn.Module, batch: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        views, ef, label = batch
        features = model.features(views).float()
        regression = F.mse_loss(model.ejection_fraction(features[: len(ef)]), ef)  # on the first views
        if self.contrast == "rank_n_contrast":
            contrast = rank_n_contrast(features, ef.repeat(2), temperature=self.temperature)
        else:
            contrast = self._contrast(F.normalize(model.companion(features).float(), dim=1), label.repeat(2))
        return regression + self.strength * contrast

    def _contrast(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        if self.contrast == "supcon":
            return supcon(embeddings, labels, temperature=self.temperature)
        return ldw_supcon(
            embeddings,
            labels,
            temperature=self.temperature,
            distance="l2" if self.distance == "l2" else "l1",
            label_scale=1.0 if self.distance == "mid_rank" else 100.0 / self.bin_width,
            denominator=self.denominator,
            reduction=self.reduction,
        )


def mid_ranks(labels: Tensor, population: Tensor) -> Tensor:
    """The mean rank, from 1, that labels (videos,) have or would have in a population (N,), ties sharing theirs."""
    ordered = population.sort().values.contiguous()
    below = torch.searchsorted(ordered, labels.contiguous())
    upto = torch.searchsorted(ordered, labels.contiguous(), right=True)
    return (below + upto + 1).to(labels.dtype) / 2
