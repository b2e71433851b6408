"""EF with its uncertainty by Monte Carlo dropout and a Gaussian likelihood: our design (see `models.bayesian`)."""

from collections.abc import Mapping

import pandas as pd
import torch
from pydantic import PositiveInt
from torch import Tensor, nn

from echolib.data.loaders.clips import EFVideos, in_chunks
from echolib.engine.task import Parent, Tables
from echolib.losses.uncertainty import gaussian_nll
from echolib.models.bayesian import GaussianEF, predictive
from echolib.models.video import load_kinetics
from echolib.shapes import Clip, EFPercent, Scalar
from echolib.tasks.video_ef import VideoEF

SEED = 0  # of the draws: a trained network's predictions are always the same
VARIANCES = {"epistemic": "epistemic_sd", "aleatoric": "aleatoric_sd"}


class BayesianEF(VideoEF):
    """Gaussian negative log-likelihood; at test the mean of `samples` draws with dropout on, in every clip.

    The tables have two more columns, in EF points: `epistemic_sd` and `aleatoric_sd`. A video's are the root mean
    squares of its clips', not divided by their number: all clips share the label and the weights. Validation and
    `one_clip` come from one pass without dropout.
    """

    dropout: float = 0.1
    samples: PositiveInt = 20

    def build(self, data: EFVideos, parents: Mapping[str, Parent]) -> tuple[nn.Module, str]:
        model = self.make_network()
        return model, load_kinetics(model.encoder, self.network) if self.weights == "kinetics" else "random"

    def make_network(self) -> GaussianEF:
        return GaussianEF(self.network, self.width, self.blocks, self.dropout, ef_scale=self.ef_scale)

    def ejection_fraction(self, output: tuple[EFPercent, EFPercent]) -> EFPercent:
        return output[0].float()

    def loss(self, model: GaussianEF, batch: tuple[Clip, EFPercent]) -> Scalar:
        clips, ef = batch
        mean, log_variance = model(clips)
        return gaussian_nll(mean.float(), log_variance.float(), ef)

    def clip_table(self, model: GaussianEF, data: EFVideos, videos: Tensor, starts: Tensor) -> dict[str, Tensor]:
        """prediction, and the two variances in squared EF points."""

        def forward(video: Tensor, start: Tensor) -> Tensor:
            return torch.stack(predictive(model, self.clips(data, video, start), self.samples), 1)

        devices = [videos.device] if videos.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(SEED)
            columns = in_chunks(forward, videos, starts)
        return dict(zip(("prediction", *VARIANCES), columns.unbind(1), strict=True))

    def predict(self, model: GaussianEF, data: EFVideos) -> Tables:
        """As `EFFromClips.predict`, with epistemic_sd and aleatoric_sd in every table."""
        return {name: _with_deviations(table) for name, table in super().predict(model, data).items()}


def _with_deviations(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(**{name: table[name] ** 0.5 for name in VARIANCES}).rename(columns=VARIANCES)
