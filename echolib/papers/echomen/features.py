"""What EchoMEN's encoders make of the test videos: features in two dimensions, and how they follow the label."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.spatial.distance import pdist
from scipy.stats import spearmanr
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from echolib.engine.experiment import Place, Result
from echolib.engine.features import frozen_features
from echolib.engine.task import Parent


def mean_features(result: Result, place: Place, clips: int) -> tuple[np.ndarray, np.ndarray]:
    """Features of each test video, its clips averaged (videos, D), and EF in percent (videos,). `clips` as the experts
    use, so that what they extracted serves here too."""
    experiment = result.experiment
    encoder = Parent(experiment.task, result.folder)
    found = frozen_features(encoder, experiment.data[0].open(place.cache), clips, place.device)
    rows, mean = found.by_video("test", found.test)
    return mean.cpu().double().numpy(), found.ef[rows].cpu().double().numpy()


def two_components(features: np.ndarray) -> np.ndarray:
    """The first two principal components of standardised features: (videos, D) -> (videos, 2)."""
    return PCA(2, random_state=0).fit_transform(StandardScaler().fit_transform(features))


def order_table(encoders: Mapping[str, Sequence[tuple[np.ndarray, np.ndarray]]]) -> pd.DataFrame:
    """How features follow the label: the rank correlation over all pairs of test videos between their cosine distance
    and the difference of their EF. One row an encoder: mean and SD over seeds.

    encoders: {name: [(features, ef) of each seed]}.
    """
    rows = []
    for name, seeds in encoders.items():
        found = [spearmanr(pdist(x, "cosine"), pdist(ef[:, None])).statistic for x, ef in seeds]
        spread = np.std(found, ddof=1) if len(found) > 1 else np.nan
        rows.append({"encoder": name, "correlation": np.mean(found), "correlation_sd": spread, "seeds": len(found)})
    return pd.DataFrame(rows)
