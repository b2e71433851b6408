"""What EchoMEN's encoders make of the test videos: features in two dimensions, and how they follow the label."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.spatial.distance import pdist
from scipy.stats import spearmanr
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from echolib.engine.experiment import Result, RunContext
from echolib.engine.features import frozen_features
from echolib.engine.task import Parent
from echolib.metrics.bootstrap import mean_and_spread
from echolib.papers.exhibits import Results, Setup


def mean_features(result: Result, context: RunContext, clips: int) -> tuple[np.ndarray, np.ndarray]:
    """Features of each test video, its clips averaged (videos, D), and EF in percent (videos,). `clips` as the experts
    use, so that what they extracted serves here too."""
    experiment = result.experiment
    encoder = Parent(experiment.task, result.folder)
    features = frozen_features(encoder, experiment.data[0].open(context.cache), clips, context.device)
    rows, mean = features.by_video("test", features.test)
    return mean.cpu().double().numpy(), features.ef[rows].cpu().double().numpy()


def encoder_features(results: Results, setup: Setup) -> dict[str, list[tuple[np.ndarray, np.ndarray]]]:
    """`mean_features` of each encoder: {row: [(features, ef) of each seed]}."""
    assert setup.context is not None
    context, clips = setup.context, setup.profile.expert_clips
    return {str(row): [mean_features(result, context, clips) for result in of_row] for row, of_row in results.items()}


def two_components(features: np.ndarray) -> np.ndarray:
    """The first two principal components of standardised features: (videos, D) -> (videos, 2)."""
    return PCA(2, random_state=0).fit_transform(StandardScaler().fit_transform(features))


def order_table(encoders: Mapping[str, Sequence[tuple[np.ndarray, np.ndarray]]]) -> pd.DataFrame:
    """How features follow the label: the rank correlation over all pairs of test videos between their cosine distance
    and the difference of their EF. One row per encoder: mean and SD over seeds.

    encoders: {name: [(features, ef) of each seed]}.
    """
    rows = []
    for name, seeds in encoders.items():
        correlation = [spearmanr(pdist(x, "cosine"), pdist(ef[:, None])).statistic for x, ef in seeds]
        mean, sd, count = mean_and_spread(correlation)
        rows.append({"encoder": name, "correlation": mean, "correlation_sd": sd, "seeds": count})
    return pd.DataFrame(rows)
