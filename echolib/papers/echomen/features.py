"""What EchoMEN's encoders make of the test videos: features in two dimensions, and how they follow the label."""

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist
from scipy.stats import rankdata
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from echolib.engine.experiment import Result, RunContext
from echolib.engine.features import frozen_features
from echolib.engine.task import Parent
from echolib.metrics.bootstrap import mean_and_spread
from echolib.papers.ef_scores import Predictions
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


def feature_order(features: np.ndarray, ef: np.ndarray) -> np.ndarray:
    """How the features of each video order the others by EF: (videos,).

    For a video, Spearman's rank correlation over all other videos between the cosine distance of their features from
    its own and the difference of their EF from its own. features (videos, D), ef (videos,). NaN where a video is
    equally far from all others.
    """
    distance, difference = (
        _others(cdist(x, x, kind)) for x, kind in ((features, "cosine"), (ef[:, None], "cityblock"))
    )
    ranks = [rankdata(values, axis=1) for values in (distance, difference)]
    first, second = (rank - rank.mean(axis=1, keepdims=True) for rank in ranks)
    with np.errstate(invalid="ignore"):
        return (first * second).sum(axis=1) / np.sqrt((first**2).sum(axis=1) * (second**2).sum(axis=1))


def _others(pairs: np.ndarray) -> np.ndarray:
    """Without the diagonal: (videos, videos) -> (videos, videos - 1)."""
    return pairs[~np.eye(len(pairs), dtype=bool)].reshape(len(pairs), -1)


def order_by_video(results: Results, setup: Setup) -> Predictions:
    """`feature_order` of each encoder, in the shape of predictions: EF (videos,) and {row: (seeds, videos)}."""
    encoders = setup.once(encoder_features, results)
    ef = next(ef for seeds in encoders.values() for _, ef in seeds)
    return ef, {row: np.stack([feature_order(x, of_seed) for x, of_seed in seeds]) for row, seeds in encoders.items()}


def order_table(results: Results, setup: Setup) -> pd.DataFrame:
    """How features follow the label: `feature_order` averaged over videos. One row per encoder: mean and SD over
    seeds."""
    _, orders = setup.once(order_by_video, results)
    rows = []
    for name, of_seeds in orders.items():
        mean, sd, count = mean_and_spread(of_seeds.mean(axis=1))
        rows.append({"encoder": name, "correlation": mean, "correlation_sd": sd, "seeds": count})
    return pd.DataFrame(rows)
