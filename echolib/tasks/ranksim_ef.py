"""EF by squared error and RankSim (Gong et al. 2022)."""

import torch.nn.functional as F
from torch import nn

from echolib.losses.ranksim import ranksim
from echolib.models.video import clip_features
from echolib.shapes import Clip, EFPercent, Scalar
from echolib.tasks.video_ef import VideoEF


class RankSimEF(VideoEF):
    """Squared error and RankSim: features are to be ordered by similarity as labels are (Gong et al. 2022)."""

    ranking_weight: float = 100.0
    interpolation: float = 2.0

    def loss(self, model: nn.Module, batch: tuple[Clip, EFPercent]) -> Scalar:
        clips, ef = batch
        features = clip_features(model, clips).float()
        ranks = ranksim(features, ef.floor(), interpolation=self.interpolation)
        return F.mse_loss(model.fc(features).squeeze(1), ef) + self.ranking_weight * ranks
