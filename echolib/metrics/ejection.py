"""Errors of the ejection fraction, in percent points, overall and by class of heart failure."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from echolib.metrics.bootstrap import bootstrap_distribution, percentile_ends
from echolib.shapes import ClassNames, ItemFlags, ItemGroups, ItemValues, ItemVector, Quantity, Statistic

Convention = Literal["paper", "esc2021"]
CLASSES = ("HFrEF", "HFmrEF", "HFpEF")
AUC_THRESHOLDS = (35, 40, 45, 50)


def mae(label: ItemValues, prediction: ItemValues) -> Statistic:
    """Mean absolute error, in the unit of the label: (..., items) -> (...)."""
    return np.abs(np.subtract(prediction, label)).mean(axis=-1)


def geometric_mean_error(label: ItemValues, prediction: ItemValues, floor: float = 1e-3) -> Statistic:
    """GM, the geometric mean of the absolute errors: exp(mean(log max(|error|, floor))); (..., items) -> (...).

    One exact hit would make it 0 whatever the other errors, hence the floor in EF points.
    """
    return np.exp(np.log(np.maximum(np.abs(np.subtract(prediction, label)), floor)).mean(axis=-1))


def rmse(label: ItemValues, prediction: ItemValues) -> Statistic:
    """Root mean squared error, in the unit of the label: (..., items) -> (...)."""
    return np.sqrt(np.square(np.subtract(prediction, label)).mean(axis=-1))


def r2(label: ItemValues, prediction: ItemValues) -> Statistic:
    """Coefficient of determination, 1 - SS_res / SS_tot; NaN where all labels agree: (..., items) -> (...)."""
    label = np.asarray(label, dtype=np.float64)
    residual = np.square(np.subtract(prediction, label)).sum(axis=-1)
    total = np.square(label - label.mean(axis=-1, keepdims=True)).sum(axis=-1)
    residual, total = np.broadcast_arrays(residual, total)
    ratio = np.divide(residual, total, out=np.full(residual.shape, np.nan), where=total > 0)
    return (1 - ratio)[()]


def ef_errors(predictions: pd.DataFrame) -> dict[str, float]:
    """MAE, RMSE (EF points) and R2 of a table with the columns label and prediction."""
    label, prediction = predictions["label"].to_numpy(), predictions["prediction"].to_numpy()
    return {name: float(score(label, prediction)) for name, score in (("mae", mae), ("rmse", rmse), ("r2", r2))}


def auc(positive: ItemFlags, score: ItemValues) -> Statistic:
    """Area under the ROC curve by ranks (Mann-Whitney U, ties count half); NaN where a class is empty.

    positive: (..., items) bool; score: (..., items), higher for positives -> (...).
    """
    return _auc_of_ranks(np.asarray(positive, dtype=bool), rankdata(score, axis=-1))


def heart_failure_class(ef: Quantity, convention: Convention = "paper") -> ClassNames:
    """Class of heart failure by EF in percent, (...) -> (...) of "HFrEF", "HFmrEF" or "HFpEF".

    "paper": [0, 40), [40, 50), [50, 100], the intervals of EchoMEN. "esc2021": up to 40, above 40 and below 50, from
    50 (European Society of Cardiology 2021): an EF of exactly 40 is HFrEF. Raises ValueError for a NaN or another
    convention.
    """
    ef = np.asarray(ef, dtype=np.float64)
    if np.isnan(ef).any():
        raise ValueError(f"{np.isnan(ef).sum()} of {ef.size} ejection fractions are NaN and belong to no class")
    if convention not in ("paper", "esc2021"):
        raise ValueError(f'convention is "paper" or "esc2021", got {convention!r}')
    reduced = ef < 40 if convention == "paper" else ef <= 40
    return np.where(reduced, "HFrEF", np.where(ef < 50, "HFmrEF", "HFpEF"))


def ef_scores(
    label: ItemVector,
    prediction: ItemVector,
    convention: Convention = "paper",
    *,
    floor: float = 1e-3,
    resamples: int = 10_000,
    seed: int = 0,
    level: float = 0.90,
    groups: ItemGroups | None = None,
) -> pd.DataFrame:
    """MAE, GM, RMSE and R2 of EF over all items and by class of the label, with bootstrap intervals.

    Parameters
    ----------
    label, prediction : (items,) EF in percent.
    convention : of `heart_failure_class`; floor : of `geometric_mean_error`.
    resamples, seed, level, groups : of `bootstrap_interval`; 0 resamples leaves the intervals NaN.

    Returns
    -------
    DataFrame indexed by "all", "HFrEF", "HFmrEF", "HFpEF" with columns n and, for each of mae, gm, rmse, r2: the
    metric, <metric>_low, <metric>_high. A class without items has n = 0 and NaN.

    Raises
    ------
    ValueError : label and prediction are not (items,) alike, or one of them is not finite.
    """
    label, prediction = _finite_pair(label, prediction)

    def scores(label: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        gm = geometric_mean_error(label, prediction, floor)
        return np.stack([mae(label, prediction), gm, rmse(label, prediction), r2(label, prediction)])

    classes, rows = heart_failure_class(label, convention), {}
    for name in ("all", *CLASSES):
        chosen = np.ones(len(label), dtype=bool) if name == "all" else classes == name
        row: dict[str, float] = {"n": int(chosen.sum())}
        pair = (label[chosen], prediction[chosen])
        values = scores(*pair) if chosen.any() else np.full(4, np.nan)
        drawn = np.full((4, 1), np.nan)
        if chosen.any() and resamples:
            chosen_groups = None if groups is None else np.asarray(groups)[chosen]
            drawn = bootstrap_distribution(scores, *pair, resamples=resamples, seed=seed, groups=chosen_groups)
        for metric, value, resampled in zip(("mae", "gm", "rmse", "r2"), values, drawn, strict=True):
            row[metric] = float(value)
            row[f"{metric}_low"], row[f"{metric}_high"] = percentile_ends(resampled, level)
        rows[name] = row
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("group")


def auc_scores(
    label: ItemVector,
    prediction: ItemVector,
    thresholds: Sequence[float | int] = AUC_THRESHOLDS,
    *,
    resamples: int = 10_000,
    seed: int = 0,
    level: float = 0.90,
    groups: ItemGroups | None = None,
) -> pd.DataFrame:
    """How well a low predicted EF finds the items whose labelled EF lies below each threshold.

    Parameters
    ----------
    label, prediction : (items,) EF in percent.
    thresholds : in percent.
    resamples, seed, level, groups : of `bootstrap_interval`; 0 resamples leaves the intervals NaN.

    Returns
    -------
    DataFrame indexed by threshold with n_below, n, auc, auc_low, auc_high and note, which says why an AUC is NaN.

    Raises
    ------
    ValueError : label and prediction are not (items,) alike, or one of them is not finite.
    """
    label, prediction = _finite_pair(label, prediction)
    cuts = np.asarray(thresholds, dtype=np.float64)

    def areas(label: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        positive = label < cuts.reshape(-1, *[1] * label.ndim)
        return np.asarray(_auc_of_ranks(positive, rankdata(-prediction, axis=-1)))

    values, below = areas(label, prediction), (label < cuts[:, None]).sum(axis=1)
    drawn = np.full((len(cuts), 1), np.nan)
    if resamples:
        drawn = bootstrap_distribution(areas, label, prediction, resamples=resamples, seed=seed, groups=groups)
    rows = {}
    for threshold, value, count, resampled in zip(thresholds, values, below, drawn, strict=True):
        low, high = percentile_ends(resampled, level) if np.isfinite(value) else (np.nan, np.nan)
        side = "below" if count == 0 else "at or above" if count == len(label) else ""
        note = f"no item {side} {threshold} %" if side else ""
        rows[threshold] = {
            "n_below": int(count),
            "n": len(label),
            "auc": float(value),
            "auc_low": low,
            "auc_high": high,
            "note": note,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("threshold")


def _auc_of_ranks(positive: ItemFlags, ranks: ItemValues) -> Statistic:
    count, items = positive.sum(axis=-1), positive.shape[-1]
    pairs = count * (items - count)
    wins = np.where(positive, ranks, 0).sum(axis=-1) - count * (count + 1) / 2
    return np.divide(wins, pairs, out=np.full(np.shape(wins), np.nan), where=pairs > 0)[()]


def _finite_pair(label: ItemVector, prediction: ItemVector) -> tuple[np.ndarray, np.ndarray]:
    label, prediction = np.asarray(label, dtype=np.float64), np.asarray(prediction, dtype=np.float64)
    if label.ndim != 1 or label.shape != prediction.shape or not len(label):
        raise ValueError(f"label and prediction are (items,) alike, got {label.shape} and {prediction.shape}")
    bad = ~(np.isfinite(label) & np.isfinite(prediction))
    if bad.any():
        raise ValueError(f"{bad.sum()} of {len(bad)} items have no finite label or prediction: {np.flatnonzero(bad)}")
    return label, prediction
