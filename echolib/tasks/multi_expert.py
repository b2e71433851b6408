"""EF by several experts on a frozen encoder: EchoMEN's second stage and its ablations.

Eq. 3 prints an expert's loss as a sum over samples, weighted by Eq. 4. Under the paper's SGD (1e-4, batches of 20) that
sum is stable only while 1e-4 * 20 * |x|^2 < 1, for features x of a norm below 22 (at 28 it overflows within 30 steps);
and since f^-p is small where labels are frequent, at a norm of 10 the expert of p = 1 is not done after all 20 epochs.
The authors' released script takes the mean over the batch of weights whose mean is 1, which trains every expert at any
norm from 10 to 40. So do we, under every schedule: the experts share no parameter, and a factor on the loss of one of
them does not move its minimum, only the pace at which a fixed learning rate gets there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import pandas as pd
import torch
import torch.nn.functional as F
from pydantic import PositiveInt
from torch import Tensor, nn

from echolib.data.loaders.clips import expected_videos
from echolib.data.selection import DataSelection, Dataset
from echolib.engine.features import ClipFeatures, frozen_features
from echolib.engine.task import Parent, Tables, Task
from echolib.losses.expert_weights import expert_weights
from echolib.metrics.ejection import ef_errors
from echolib.models.experts import MultiExpert, aggregate
from echolib.shapes import EFPercent, ExpertOutputs, Features, Items, Scalar

CLASS_EDGES = (40.0, 50.0)  # percent; what three experts divide the labels into when each has a subset of its own


@dataclass(frozen=True)
class ExpertData:
    """Frozen features, and each expert's weight of each training clip (clips, M)."""

    features: ClipFeatures
    weights: Tensor


class MultiExpertEF(Task):
    """M linear experts, each with its own weighting of the training videos, and an aggregator trained beside them on
    its own squared error (Lai et al. 2024, Sec. 2.2). Parent "encoder": an EF experiment.

    diversity: "weights" is Eq. 4 with p_m = m / (M - 1), "subsets" gives each expert the videos of one range of EF.
    form: the counts of Eq. 4 as printed, or clipped and interpolated between bins as in the released script.
    """

    headline: ClassVar[tuple[str, ...]] = ("mae", "rmse", "r2")
    experts: PositiveInt = 3
    diversity: Literal["weights", "subsets"] = "weights"
    form: Literal["printed", "released"] = "printed"
    clips: PositiveInt = 4  # random clips of each training video whose features are learnt from
    features: PositiveInt = 512
    hidden: PositiveInt = 128
    ef_scale: float = 1.0
    first_ef: float = 55.6  # percent, that fresh experts predict

    def load(self, datasets: Mapping[str, Dataset], parents: Mapping[str, Parent], device: torch.device) -> ExpertData:
        (dataset,) = datasets.values()
        features = frozen_features(parents["encoder"], dataset, self.clips, device)
        rows = features.train_row.unique()
        by_row = features.ef.new_zeros(len(features.ef), self.experts)
        by_row[rows] = self.expert_weights(features.ef[rows])
        return ExpertData(features, by_row[features.train_row])

    def expert_weights(self, ef: EFPercent) -> ExpertOutputs:
        """EF (videos,) in percent -> weight of each video for each expert (videos, M), of mean 1 for each expert."""
        if self.diversity == "subsets":
            weights = F.one_hot(self._subset(ef), self.experts).to(ef.dtype)
        else:
            powers = [m / max(self.experts - 1, 1) for m in range(self.experts)]
            weights = torch.stack([expert_weights(ef, power, form=self.form) for power in powers], 1)
        return weights / weights.mean(0).clamp(min=torch.finfo(ef.dtype).tiny)  # a subset may be empty

    def _subset(self, ef: Tensor) -> Tensor:
        """The heart-failure class for three experts; otherwise as many groups of equally many videos."""
        if self.experts == 3:
            edges = torch.tensor(CLASS_EDGES, device=ef.device)
        else:
            share = torch.arange(1, self.experts, device=ef.device) / self.experts
            edges = torch.quantile(ef, share.to(ef.dtype)) if self.experts > 1 else ef.new_zeros(0)
        return torch.bucketize(ef, edges, right=True)

    def build(self, data: ExpertData, parents: Mapping[str, Parent]) -> tuple[nn.Module, str]:
        return self._network(), f"{parents['encoder'].folder.name}, frozen"

    def _network(self) -> MultiExpert:
        return MultiExpert(self.features, self.experts, self.hidden, self.first_ef, self.ef_scale)

    def training_items(self, data: ExpertData) -> int:
        return len(data.features.train)

    def names(self, data: ExpertData, items: Items) -> list[str]:
        return data.features.videos["name"].iloc[data.features.train_row[items].tolist()].tolist()

    def batch(
        self, data: ExpertData, items: Items, generator: torch.Generator
    ) -> tuple[Features, EFPercent, ExpertOutputs]:
        """Features (B, D), EF (B,), weights (B, M)."""
        features = data.features
        return features.train[items], features.ef[features.train_row[items]], data.weights[items]

    def loss(self, model: MultiExpert, batch: tuple[Features, EFPercent, ExpertOutputs]) -> Scalar:
        features, ef, weights = batch
        expert_ef, share = (output.float() for output in model(features))
        errors = weights * (expert_ef - ef.unsqueeze(1)) ** 2
        return errors.mean(0).sum() + F.mse_loss(aggregate(expert_ef, share), ef)  # Eq. 3 as a mean, and the aggregator

    def validate(self, model: MultiExpert, data: ExpertData) -> dict[str, float]:
        """Squared error of the aggregated prediction, each validation video's clips averaged."""
        table = self._table(model, data, "val")
        error = table["prediction"] - table["label"]
        return {"loss": float((error**2).mean()), "mae": float(error.abs().mean())}

    def predict(self, model: MultiExpert, data: ExpertData) -> Tables:
        """predictions and validation: one row per video with label, prediction, and each expert's EF and weight."""
        return {"predictions": self._table(model, data, "test"), "validation": self._table(model, data, "val")}

    def _table(self, model: MultiExpert, data: ExpertData, split: str) -> pd.DataFrame:
        features = data.features
        expert_ef, share = (output.float() for output in model(getattr(features, split)))
        columns = torch.cat([aggregate(expert_ef, share).unsqueeze(1), expert_ef, share], 1)
        rows, mean = features.by_video(split, columns)
        experts = range(self.experts)
        names = ["prediction", *(f"expert_{m}" for m in experts), *(f"weight_{m}" for m in experts)]
        table = pd.DataFrame(mean.cpu().double().numpy(), columns=names)
        table.insert(0, "label", features.ef[rows].cpu().double().numpy())
        table.insert(0, "name", features.videos["name"].to_numpy()[rows.cpu()])
        return table

    def metrics(self, tables: Tables) -> dict[str, float]:
        return ef_errors(tables["predictions"])

    def expected_items(self, selection: DataSelection) -> int:
        return self.clips * expected_videos(selection)

    def workload(self, device: str = "meta") -> tuple[nn.Module, tuple[Tensor, ...]]:
        with torch.device(device):
            return self._network(), (torch.zeros(1, self.features),)
