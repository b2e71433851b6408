"""What the EF tables of several papers share: scores over seeds, groups of videos, and claims put to the test."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from echolib.engine.experiment import Result
from echolib.metrics.bootstrap import bootstrap_interval, paired_difference
from echolib.metrics.ejection import CLASSES, heart_failure_class, mae, r2, rmse

GROUPS = ("all", *CLASSES)
SCORES = {"mae": mae, "rmse": rmse, "r2": r2}


def by_seed(results: Sequence[Result], column: str = "prediction", like: Result | None = None) -> np.ndarray:
    """A column of each result's predictions: (seeds, videos), in the order of `like`'s videos (default the first's)."""
    order = (like or results[0]).predictions["name"]
    return np.stack([each.predictions.set_index("name").loc[order, column].to_numpy() for each in results])


def in_group(label: np.ndarray, group: str, convention: str = "paper") -> np.ndarray:
    """Which videos (videos,) belong to a class of heart failure, or all."""
    return np.ones(len(label), bool) if group == "all" else heart_failure_class(label, convention) == group


def over_seeds(score: Callable) -> Callable:
    """A score (label, predictions (seeds, videos)) averaged over seeds, as the bootstrap wants it."""
    return lambda label, predictions: score(label, predictions).mean(axis=0)


def scores_table(label: np.ndarray, methods: Mapping[str, np.ndarray], *, resamples: int) -> pd.DataFrame:
    """MAE, RMSE (EF points) and R2 of each method: mean over seeds, 90 % intervals over test videos.

    label (videos,), methods {name: (seeds, videos)}.
    """
    rows = []
    for name, predictions in methods.items():
        row = {"method": name, "seeds": len(predictions)}
        for metric, score in SCORES.items():
            interval = bootstrap_interval(over_seeds(score), label, predictions, resamples=resamples)
            row |= dict(zip((metric, f"{metric}_low", f"{metric}_high"), interval, strict=True))
        rows.append(row)
    return pd.DataFrame(rows)


class Claim(NamedTuple):
    """A statement of the paper: the error of `better` is lower than that of `worse` in a group of videos."""

    words: str
    better: str
    worse: str
    group: str = "all"


def claims_table(
    label: np.ndarray,
    methods: Mapping[str, np.ndarray],
    claims: Sequence[Claim],
    *,
    resamples: int,
    convention: str = "paper",
    score: Callable = mae,
) -> pd.DataFrame:
    """Each claim with the difference of a score that is better when lower (better minus worse, 95 % interval, paired
    over videos and seeds), the fewer seeds of the two, and a verdict: supported where the interval is below zero."""
    rows = []
    for claim in claims:
        chosen = in_group(label, claim.group, convention)
        row = {"claim": claim.words, "group": claim.group, "n": int(chosen.sum())}
        if chosen.sum() < 2:
            rows.append(row | {"verdict": "not testable: too few videos"})
            continue
        pair = (methods[claim.worse][:, chosen], methods[claim.better][:, chosen])
        found = paired_difference(score, label[chosen], *pair, resamples=resamples)
        row |= {"difference": found.estimate, "difference_low": found.low, "difference_high": found.high}
        rows.append(row | {"p": found.p_value, "seeds": min(found.seeds), "verdict": found.verdict("lower")})
    return pd.DataFrame(rows)
