"""What the EF tables of several papers share: scores over seeds, groups of videos, and claims put to the test."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd

from echolib.engine.experiment import Result
from echolib.metrics.ejection import CLASSES, Convention, heart_failure_class, mae, r2, rmse
from echolib.metrics.variance import interval_over_seeds
from echolib.papers.claims import Claim, Comparison, Evidence, check_learnt
from echolib.papers.exhibits import Results, Setup
from echolib.papers.gates import ef_gate

Score = Callable[[np.ndarray, np.ndarray], np.ndarray | np.floating]  # label, prediction -> over the last axis
GROUPS = ("all", *CLASSES)
SCORES = {"mae": mae, "rmse": rmse, "r2": r2}
TEST_VIDEOS = {"all": 1277, "HFrEF": 160, "HFmrEF": 125, "HFpEF": 992}  # of EchoNet-Dynamic, and its test shares
Predictions = tuple[np.ndarray, Mapping[Any, np.ndarray]]  # EF (videos,), and {row: predictions (seeds, videos)}


@dataclass(frozen=True)
class ClassComparison(Comparison):
    """A comparison within one class of heart failure, or of all videos."""

    group: str = "all"


def by_seed(results: Sequence[Result], column: str = "prediction", like: Result | None = None) -> np.ndarray:
    """A column of each result's predictions: (seeds, videos), in the order of `like`'s videos (default the first's)."""
    order = (like or results[0]).predictions["name"]
    return np.stack([result.predictions.set_index("name").loc[order, column].to_numpy() for result in results])


def in_group(label: np.ndarray, group: str, convention: Convention = "paper") -> np.ndarray:
    """Which videos (videos,) belong to a class of heart failure, or all."""
    return np.ones(len(label), bool) if group == "all" else heart_failure_class(label, convention) == group


def scores_table(label: np.ndarray, methods: Mapping[str, np.ndarray], *, resamples: int) -> pd.DataFrame:
    """MAE, RMSE (EF points) and R2 of each method: mean over seeds, 90 % intervals over test videos and seeds; whether
    it learnt.

    label (videos,), methods {name: (seeds, videos)}.
    """
    rows = []
    for name, predictions in methods.items():
        row = {"method": name, "seeds": len(predictions)}
        for metric, score in SCORES.items():
            interval = interval_over_seeds(score, label, predictions, resamples=resamples)
            row |= dict(zip((metric, f"{metric}_low", f"{metric}_high"), interval, strict=True))
        rows.append(row | {"learnt": ef_gate(label, predictions).outcome})
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
    predictions: Callable[[Results, Setup], Predictions] = predictions_of,
    *,
    score: Score = mae,
    learnt: Callable[[Results, Setup], Predictions] | None = None,
    paper_people: Mapping[str, int] = TEST_VIDEOS,
) -> Callable[[Results, Setup, Claim, Comparison], Evidence]:
    """How a table of claims about EF finds what to test: a score of the predictions of both rows, of the videos of the
    class of heart failure that a `ClassComparison` names.

    predictions: computed once for all tables of a notebook; score: statistic(label, prediction) over the last axis;
    learnt: the predictions that say whether a row learnt, where those tested are not predictions of EF; paper_people:
    how many the paper tested on, by class.
    """

    def evidence(results: Results, setup: Setup, claim: Claim, part: Comparison) -> Evidence:
        label, by_row = setup.once(predictions, results)
        true, of_row = setup.once(learnt, results) if learnt else (label, by_row)
        check_learnt({str(row): ef_gate(true, of_row[row]) for row in (part.worse, part.better)})
        group = part.group if isinstance(part, ClassComparison) else "all"
        chosen = in_group(label, group, convention_of(setup))
        worse, better = by_row[part.worse][:, chosen], by_row[part.better][:, chosen]
        return Evidence(score, label[chosen], worse, better, paper_people=paper_people.get(group))

    return evidence
