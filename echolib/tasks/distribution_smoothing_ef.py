"""Deep imbalanced regression of EF: smoothed label and feature distributions (DIR, Yang et al. 2021)."""

from collections.abc import Mapping

from torch import Tensor, nn

from echolib.data.loaders.clips import in_chunks
from echolib.engine.task import Parent
from echolib.losses.lds import lds_weights
from echolib.losses.weighted import weighted_mse
from echolib.models.auxiliary import WithAuxiliary
from echolib.models.feature_smoothing import FDS
from echolib.shapes import Clip, EFPercent, LabelWeights, Scalar
from echolib.tasks.weighted_ef import WeightedEF, WeightedVideos


class DistributionSmoothingEF(WeightedEF):
    """Weights by the inverse of the label counts smoothed over neighbouring labels (LDS), on features whose statistics
    are smoothed likewise (FDS)."""

    def label_weights(self, ef: EFPercent) -> LabelWeights:
        return lds_weights(ef)

    def build(self, data: WeightedVideos, parents: Mapping[str, Parent]) -> tuple[nn.Module, str]:
        model, start = super().build(data, parents)
        return WithAuxiliary(model, FDS(model.fc.in_features)), start

    def loss(self, model: nn.Module, batch: tuple[Clip, EFPercent, LabelWeights]) -> Scalar:
        clips, ef, weight = batch
        features = model.auxiliary(model.features(clips).float(), ef)
        return weighted_mse(model.ejection_fraction(features), ef, weight)

    def after_epoch(self, model: nn.Module, data: WeightedVideos) -> None:
        """Features of the middle clip of every training video go into the statistics of their label's bin.

        The public code takes a random clip in training mode instead.
        """
        train = data.of_split["train"]

        def features(video: Tensor, start: Tensor) -> Tensor:
            return model.features(data.clips(video, start, self.clip_length, self.clip_period)).float()

        model.auxiliary.update(in_chunks(features, train, self.middle(data, train)), data.ef[train])
