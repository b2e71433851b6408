"""What the EF tables of several papers share: scores over seeds, groups of videos, and claims put to the test."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import numpy as np
import pandas as pd

from echolib.engine.experiment import Result
from echolib.metrics.bootstrap import bootstrap_interval
from echolib.metrics.ejection import CLASSES, Convention, heart_failure_class, mae, r2, rmse
from echolib.papers.claims import Claim, Evidence
from echolib.papers.exhibits import Results, Setup

Score = Callable[[np.ndarray, np.ndarray], np.ndarray | np.floating]  # label, prediction -> over the last axis
GROUPS = ("all", *CLASSES)
SCORES = {"mae": mae, "rmse": rmse, "r2": r2}
Predictions = tuple[np.ndarray, Mapping[Any, np.ndarray]]  # EF (videos,), and {row: predictions (seeds, videos)}


def by_seed(results: Sequence[Result], column: str = "prediction", like: Result | None = None) -> np.ndarray:
    """A column of each result's predictions: (seeds, videos), in the order of `like`'s videos (default the first's)."""
    order = (like or results[0]).predictions["name"]
    return np.stack([result.predictions.set_index("name").loc[order, column].to_numpy() for result in results])


def in_group(label: np.ndarray, group: str, convention: Convention = "paper") -> np.ndarray:
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


def convention_of(setup: Setup) -> Convention:
    """By which convention a notebook draws the classes of heart failure: its parameter, or the papers' own."""
    return cast(Convention, setup.choices.get("convention", "paper"))


def predictions_of(results: Results, setup: Setup) -> Predictions:
    """Labels and predictions of EF as the rows of a table have them, all in the order of the first row's videos."""
    first = next(result for of_row in results.values() for result in of_row)
    by_row = {row: by_seed(of_row, like=first) for row, of_row in results.items() if of_row}
    return first.predictions["label"].to_numpy(), by_row


def ef_evidence_from(
    predictions: Callable[[Results, Setup], Predictions], score: Score = mae
) -> Callable[[Results, Setup, Claim], Evidence]:
    """How a table of claims about EF finds what to test: a score of the predictions of both rows.

    A claim's condition is the class of heart failure that it is made for, "" for all videos. predictions: computed
    once for all tables of a notebook; score: statistic(label, prediction) over the last axis.
    """

    def evidence(results: Results, setup: Setup, claim: Claim) -> Evidence:
        label, by_row = setup.once(predictions, results)
        chosen = in_group(label, claim.condition or "all", convention_of(setup))
        return Evidence(score, label[chosen], by_row[claim.worse][:, chosen], by_row[claim.better][:, chosen])

    return evidence


ef_evidence = ef_evidence_from(predictions_of)  # MAE of the predictions as they stand
