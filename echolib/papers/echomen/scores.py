"""EchoMEN's tables, rebuilt from the predictions of finished experiments."""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import pandas as pd

from echolib.metrics.bootstrap import mean_and_spread
from echolib.metrics.conformal import conformal_half_width, interval_coverage
from echolib.metrics.ejection import Convention, geometric_mean_error, mae
from echolib.metrics.variance import interval_over_seeds
from echolib.papers.echomen.experiments import ABLATION, METHODS
from echolib.papers.echonet_dynamic.experiments import protocol_note
from echolib.papers.ef_scores import GROUPS, Predictions, by_seed, convention_of, in_group, predictions_of
from echolib.papers.exhibits import Published, Results, Setup
from echolib.papers.gates import ef_gate
from echolib.papers.published import published

ERRORS = {"mae": mae, "gm": geometric_mean_error}
HEADINGS = {f"mae_{group.lower()}": f"MAE {group}" for group in GROUPS}
HEADINGS |= {f"gm_{group.lower()}": f"GM {group}" for group in GROUPS}
HEADINGS |= {"mae_all_sd": "MAE SD over seeds", "gm_all_sd": "GM SD over seeds"}
OTHER_SYSTEMS = {"esfeh": "ESFEH et al.", "reynaud": "REYNAUD et al.", "echognn": "ECHOGNN", "echocotr": "ECHOCOTR"}


def error_table(
    label: np.ndarray,
    methods: Mapping[str, np.ndarray],
    metric: str,
    *,
    resamples: int,
    convention: Convention = "paper",
) -> pd.DataFrame:
    """MAE or GM of each method over all videos and by class: mean over seeds, 90 % interval over videos and
    seeds, and the SD over seeds of the error over all videos; whether the method learnt.

    label (videos,), methods {name: (seeds, videos)}, metric "mae" or "gm". A class without videos is NaN.
    """
    rows = []
    for name, predictions in methods.items():
        row: dict[str, object] = {"method": name, "seeds": len(predictions)}
        for group in GROUPS:
            chosen, column = in_group(label, group, convention), f"{metric}_{group.lower()}"
            interval = (np.nan,) * 3
            if chosen.any():
                of_class = label[chosen], predictions[:, chosen]
                interval = interval_over_seeds(ERRORS[metric], *of_class, resamples=resamples)
            row |= dict(zip((column, f"{column}_low", f"{column}_high"), interval, strict=True))
        row[f"{metric}_all_sd"] = mean_and_spread(ERRORS[metric](label, predictions)).sd
        rows.append(row | {"learnt": ef_gate(label, predictions).outcome})
    return pd.DataFrame(rows)


def errors_by_class(
    results: Results,
    setup: Setup,
    *,
    metric: str,
    predictions: Callable[[Results, Setup], Predictions] = predictions_of,
) -> pd.DataFrame:
    """`error_table` of the predictions that results hold, by the notebook's convention of classes."""
    label, methods = setup.once(predictions, results)
    return error_table(label, methods, metric, resamples=setup.profile.resamples, convention=convention_of(setup))


def beside_paper(table: str, metric: str) -> Published:
    """The errors by class that the paper prints in "table_1" or "table_2", for the rows of a table of one metric."""
    columns = [f"{metric}_{group.lower()}" for group in GROUPS]
    metrics = (*columns, f"{metric}_all_sd")
    read = partial(printed, table)
    return Published(read=read, keys="method", metrics=metrics, beside=("learnt",), note=protocol_note)


def printed(table: str) -> pd.DataFrame:
    """Table 1 or 2 of the paper, its rows named as ours."""
    titles = OTHER_SYSTEMS | (METHODS if table == "table_1" else ABLATION)
    return published("echomen", table).replace({"method": titles})


def mae_by_class(label: np.ndarray, predictions: np.ndarray, convention: Convention = "paper") -> dict[str, float]:
    """MAE over all videos and by class, mean over seeds: label (videos,), predictions (seeds, videos); NaN for a class
    without videos."""
    groups = {f"mae_{group.lower()}": in_group(label, group, convention) for group in GROUPS}
    return {
        column: float(mae(label[chosen], predictions[:, chosen]).mean()) if chosen.any() else np.nan
        for column, chosen in groups.items()
    }


def slope(label: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Slope of the least-squares line of predictions (..., videos) on labels (..., videos): (...)."""
    centred = label - label.mean(-1, keepdims=True)
    return (centred * prediction).sum(-1) / (centred**2).sum(-1)


def slope_error(label: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """How far that slope is from 1."""
    return abs(slope(label, prediction) - 1)


def slopes_table(label: np.ndarray, methods: Mapping[str, np.ndarray], *, resamples: int) -> pd.DataFrame:
    """Slope of the least-squares line of prediction on label, mean over seeds with 90 % interval
    over videos and seeds (Fig. 3a)."""
    rows = []
    for name, predictions in methods.items():
        interval = interval_over_seeds(slope, label, predictions, resamples=resamples)
        rows.append({"method": name} | dict(zip(("slope", "slope_low", "slope_high"), interval, strict=True)))
    return pd.DataFrame(rows)


def sweep_table(results: Results, parameter: str, convention: Convention = "paper") -> pd.DataFrame:
    """MAE by class against a swept parameter, whose values name the rows of the results; mean over seeds."""
    rows = []
    for value, of_value in results.items():
        label, predictions = of_value[0].predictions["label"].to_numpy(), by_seed(of_value)
        rows.append({parameter: value, **mae_by_class(label, predictions, convention), "seeds": len(of_value)})
    return pd.DataFrame(rows).sort_values(parameter, ignore_index=True)


def conformal_table(results: Results, coverage: float = 0.9, convention: Convention = "paper") -> pd.DataFrame:
    """Split-conformal intervals calibrated on the validation split: half-width, and coverage on the test split by
    class, mean over seeds."""
    rows = []
    for method, of_method in results.items():
        widths, covered = [], []
        for result in of_method:
            columns = ["label", "prediction"]
            label, prediction = result.table("validation")[columns].to_numpy().T
            width = conformal_half_width(label, prediction, coverage)
            label, prediction = result.predictions[columns].to_numpy().T
            groups = (in_group(label, group, convention) for group in GROUPS)
            covered.append([interval_coverage(label[g], prediction[g], width) if g.any() else np.nan for g in groups])
            widths.append(width)
        shares = dict(zip((f"covered_{group}" for group in GROUPS), np.mean(covered, axis=0), strict=True))
        rows.append({"method": method, "half_width": np.mean(widths), **shares, "seeds": len(of_method)})
    return pd.DataFrame(rows)
