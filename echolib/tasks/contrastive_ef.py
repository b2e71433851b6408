"""EF regression whose features also obey a contrastive loss on labels: EchoMEN's first stage and its rivals."""

from collections.abc import Mapping
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from echolib.data.sampling import two_views
from echolib.losses import bin_labels, ldw_supcon, rank_n_contrast, supcon
from echolib.models.companion import Companion, projector
from echolib.models.narrow import scaled
from echolib.tasks.base import Parent
from echolib.tasks.ef_regression import EFRegression
from echolib.tasks.video_data import EFVideos

EMBEDDING = 128  # of the projector at full width


class ContrastiveEF(EFRegression):
    """Squared error plus `strength` times a contrastive loss over two crops of each clip (Lai et al. 2024, Sec. 2.1).

    "ldw_supcon" is EchoMEN's Eq. 1, "supcon" its special case without label distances, "rank_n_contrast" the loss of
    Zha et al. (2023) on the features themselves. Labels within one bin of `bin_width` EF points are positives.
    """

    kind: Literal["contrastive_ef"] = "contrastive_ef"
    contrast: Literal["ldw_supcon", "supcon", "rank_n_contrast"] = "ldw_supcon"
    strength: float = 0.5  # lambda
    temperature: float = 0.1
    distance: Literal["l1", "l2", "rank"] = "l1"
    denominator: Literal["negatives", "all"] = "negatives"
    reduction: Literal["mean", "sum"] = "mean"
    bin_width: float = 1.0

    def build(self, data: EFVideos, parents: Mapping[str, Parent]) -> tuple[nn.Module, str]:
        model, start = super().build(data, parents)
        return Companion(model, projector(model.fc.in_features, scaled(EMBEDDING, self.width))), start

    def batch(self, data: EFVideos, items: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Clips (2B, 3, T, H, W), the second views after the first, and EF (B,)."""
        clips, ef = self.draw(data, items, generator)
        return torch.cat(two_views(clips, self.crop_pad, generator)), ef

    def loss(self, model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        views, ef = batch
        features = model.features(views).float()
        regression = F.mse_loss(model.ejection_fraction(features[: len(ef)]), ef)  # on the first views
        return regression + self.strength * self._contrast(model, features, ef.repeat(2))

    def _contrast(self, model: nn.Module, features: Tensor, ef: Tensor) -> Tensor:
        if self.contrast == "rank_n_contrast":
            return rank_n_contrast(features, ef, temperature=self.temperature)
        embeddings = F.normalize(model.companion(features).float(), dim=1)
        labels = bin_labels(ef, self.bin_width)
        if self.contrast == "supcon":
            return supcon(embeddings, labels, temperature=self.temperature)
        return ldw_supcon(
            embeddings,
            labels,
            temperature=self.temperature,
            distance=self.distance,
            label_scale=100.0 / self.bin_width,  # |difference of EF| / 100, whatever the bins
            denominator=self.denominator,
            reduction=self.reduction,
        )
