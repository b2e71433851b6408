"""EF regression that minds how rare a label is: one task a remedy, each on the network of `EFRegression`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from echolib.data.loaders.clips import EFVideos, in_chunks
from echolib.data.selection import Dataset
from echolib.engine.task import Parent
from echolib.losses.imbalance import BalancedMSE, focal_l1, focal_mse, ranksim, weighted_mse
from echolib.losses.label_frequency import FDS, frequency_weights, lds_weights
from echolib.models.companion import Companion
from echolib.models.video import clip_features
from echolib.tasks.ef_regression import EFRegression


@dataclass(frozen=True)
class WeightedVideos(EFVideos):
    """Videos with the weight (videos,) of each in the loss: 0 outside the training split, mean 1 within it."""

    weight: Tensor


class WeightedEF(EFRegression):
    """Squared error weighted by inverse label frequency, raw or smoothed (Yang et al. 2021).

    "sqinv" and "inv" weigh by the (square root of the) inverse count of a label's bin, "lds" by the inverse of the
    counts smoothed over neighbouring labels. `smooth_features` adds feature distribution smoothing; with "lds" that is
    DIR.
    """

    kind: Literal["weighted_ef"] = "weighted_ef"
    weighting: Literal["sqinv", "inv", "lds"]
    smooth_features: bool = False

    def load(self, datasets: Mapping[str, Dataset], parents: Mapping[str, Parent], device: torch.device):
        videos = super().load(datasets, parents, device)
        train = videos.of_split["train"]
        weight = torch.zeros_like(videos.ef)
        weight[train] = self._weights(videos.ef[train])
        return WeightedVideos(**vars(videos), weight=weight)

    def _weights(self, ef: Tensor) -> Tensor:
        if self.weighting == "lds":
            return lds_weights(ef)
        return frequency_weights(ef, power=0.5 if self.weighting == "sqinv" else 1.0)

    def build(self, data: WeightedVideos, parents: Mapping[str, Parent]) -> tuple[nn.Module, str]:
        model, start = super().build(data, parents)
        return (Companion(model, FDS(model.fc.in_features)) if self.smooth_features else model), start

    def batch(self, data: WeightedVideos, items: Tensor, generator: torch.Generator) -> tuple[Tensor, ...]:
        return *super().batch(data, items, generator), data.weight[data.of_split["train"][items]]

    def loss(self, model: nn.Module, batch: tuple[Tensor, ...]) -> Tensor:
        clips, ef, weight = batch
        if not self.smooth_features:
            return weighted_mse(model(clips).squeeze(1).float(), ef, weight)
        features = model.companion(model.features(clips).float(), ef)
        return weighted_mse(model.ejection_fraction(features), ef, weight)

    def after_epoch(self, model: nn.Module, data: WeightedVideos) -> None:
        """Features of the middle clip of every training video go into the statistics of their label's bin.

        The public code takes a random clip in training mode instead.
        """
        if not self.smooth_features:
            return
        train = data.of_split["train"]

        def features(video: Tensor, start: Tensor) -> Tensor:
            return model.features(data.clips(video, start, self.clip_length, self.clip_period)).float()

        model.companion.update(in_chunks(features, train, self.middle(data, train)), data.ef[train])


class FocalEF(EFRegression):
    """Focal-R: the error scaled by a sigmoid of its size, so that well-fitted videos count less (Lin et al. 2017, as a
    regression loss in Yang et al. 2021)."""

    kind: Literal["focal_ef"] = "focal_ef"
    error: Literal["squared", "absolute"] = "squared"
    beta: float = 0.2
    gamma: float = 1.0

    def loss(self, model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        clips, ef = batch
        focal = focal_mse if self.error == "squared" else focal_l1
        return focal(model(clips).squeeze(1).float(), ef, beta=self.beta, gamma=self.gamma)


class RankSimEF(EFRegression):
    """Squared error and RankSim: features are to be ordered by similarity as labels are (Gong et al. 2022)."""

    kind: Literal["ranksim_ef"] = "ranksim_ef"
    weight: float = 100.0
    interpolation: float = 2.0

    def loss(self, model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        clips, ef = batch
        features = clip_features(model, clips).float()
        ranks = ranksim(features, ef.floor(), interpolation=self.interpolation)
        return nn.functional.mse_loss(model.fc(features).squeeze(1), ef) + self.weight * ranks


class BalancedEF(EFRegression):
    """Balanced MSE with a learnt noise scale, batch-based (Ren et al. 2022)."""

    kind: Literal["balanced_ef"] = "balanced_ef"
    initial_sigma: float = 1.0

    def build(self, data: EFVideos, parents: Mapping[str, Parent]) -> tuple[nn.Module, str]:
        model, start = super().build(data, parents)
        return Companion(model, BalancedMSE(self.initial_sigma)), start

    def loss(self, model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        clips, ef = batch
        return model.companion(model(clips).squeeze(1).float(), ef)
