"""EchoMEN's tables, rebuilt from the predictions of finished experiments."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from echolib.engine.experiment import Result
from echolib.metrics.bootstrap import bootstrap_interval, mean_and_spread
from echolib.metrics.conformal import conformal_half_width, interval_coverage
from echolib.metrics.ejection import geometric_mean_error, mae
from echolib.papers import published
from echolib.papers.ef_scores import GROUPS, Claim, by_seed, in_group, over_seeds
from echolib.report.published import beside_published

ERRORS = {"mae": mae, "gm": geometric_mean_error}
HEADINGS = {f"mae_{group.lower()}": f"MAE {group}" for group in GROUPS}
HEADINGS |= {f"gm_{group.lower()}": f"GM {group}" for group in GROUPS}
HEADINGS |= {"mae_all_sd": "MAE SD over seeds", "gm_all_sd": "GM SD over seeds"}


def error_table(
    label: np.ndarray, methods: Mapping[str, np.ndarray], metric: str, *, resamples: int, convention: str = "paper"
) -> pd.DataFrame:
    """MAE or GM of each method over all videos and by class: mean over seeds, 90 % interval over videos, and the SD
    over seeds of the error over all videos.

    label (videos,), methods {name: (seeds, videos)}, metric "mae" or "gm". A class without videos is NaN.
    """
    rows = []
    for name, predictions in methods.items():
        row = {"method": name, "seeds": len(predictions)}
        for group in GROUPS:
            chosen, column = in_group(label, group, convention), f"{metric}_{group.lower()}"
            interval = (np.nan,) * 3
            if chosen.any():
                statistic = over_seeds(ERRORS[metric])
                interval = bootstrap_interval(statistic, label[chosen], predictions[:, chosen], resamples=resamples)
            row |= dict(zip((column, f"{column}_low", f"{column}_high"), interval, strict=True))
        row[f"{metric}_all_sd"] = mean_and_spread(ERRORS[metric](label, predictions)).sd
        rows.append(row)
    return pd.DataFrame(rows)


def beside_paper(ours: pd.DataFrame, table: str, names: Mapping[str, str], metric: str, *, data: str) -> pd.DataFrame:
    """`error_table` beside Table 1 or 2 of the paper ("echomen_table1", "echomen_table2"); names {key: words}."""
    printed = published(table).rename(columns={"variant": "method"}).replace({"method": names | OTHER_SYSTEMS})
    columns = [f"{metric}_{group.lower()}" for group in GROUPS]
    both = beside_published(ours, printed, "method", columns, data=data)
    spread = ours.set_index("method")[f"{metric}_all_sd"]
    both.insert(len(both.columns) - 2, f"{metric}_all_sd", both["method"].map(spread))
    return both


OTHER_SYSTEMS = {"esfeh": "ESFEH et al.", "reynaud": "REYNAUD et al.", "echognn": "ECHOGNN", "echocotr": "ECHOCOTR"}


COMPARISON_CLAIMS = (
    Claim("EchoMEN has a lower error than EchoNet", "ECHOMEN", "ECHONET", "all"),
    Claim("EchoMEN has a lower error than EchoNet in HFrEF", "ECHOMEN", "ECHONET", "HFrEF"),
    Claim("EchoMEN has a lower error than EchoNet in HFmrEF", "ECHOMEN", "ECHONET", "HFmrEF"),
    *(
        Claim(f"EchoMEN has a lower error than {rival}", "ECHOMEN", rival, "all")
        for rival in ("DIR", "SQINV", "FOCAL-R", "RANKSIM", *OTHER_SYSTEMS.values())
    ),
    Claim("DIR lowers the error in HFrEF", "DIR", "ECHONET", "HFrEF"),
    Claim("DIR raises the error in HFpEF", "ECHONET", "DIR", "HFpEF"),
)
SLOPE_CLAIMS = (Claim("the line of EchoMEN's predictions is closer to slope 1 than EchoNet's", "ECHOMEN", "ECHONET"),)
ABLATION_CLAIMS = tuple(
    Claim(f"EchoMEN needs {part}", "EchoMEN", f"w/o {without}", "all")
    for part, without in (
        ("the label-distance weights", "LDW-SupCon"),
        ("more than one expert", "multiple experts"),
        ("re-weighting instead of subsets", "re-weighting"),
        ("the aggregator", "aggregator"),
    )
)


def slope(label: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Slope of the least-squares line of predictions (..., videos) on labels (..., videos): (...)."""
    centred = label - label.mean(-1, keepdims=True)
    return (centred * prediction).sum(-1) / (centred**2).sum(-1)


def slope_error(label: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """How far that slope is from 1."""
    return abs(slope(label, prediction) - 1)


def slopes_table(label: np.ndarray, methods: Mapping[str, np.ndarray], *, resamples: int) -> pd.DataFrame:
    """Slope of the least-squares line of prediction on label, mean over seeds with 90 % interval (Fig. 3a)."""
    rows = []
    for name, predictions in methods.items():
        interval = bootstrap_interval(over_seeds(slope), label, predictions, resamples=resamples)
        rows.append({"method": name} | dict(zip(("slope", "slope_low", "slope_high"), interval, strict=True)))
    return pd.DataFrame(rows)


def expert_predictions(results: Sequence[Result]) -> dict[str, np.ndarray]:
    """Each expert, the aggregated prediction, the plain mean and the oracle, which takes the best expert of each video:
    {name: (seeds, videos)}."""
    count = results[0].experiment.task.experts
    label = results[0].predictions["label"].to_numpy()
    each = np.stack([by_seed(results, f"expert_{m}") for m in range(count)])
    best = np.abs(each - label).argmin(axis=0)[None]
    named = {f"expert {m}": each[m] for m in range(count)}
    oracle = np.take_along_axis(each, best, axis=0)[0]
    return named | {"mean": each.mean(axis=0), "aggregated": by_seed(results), "oracle": oracle}


def routing_table(results: Sequence[Result]) -> pd.DataFrame:
    """Top-k routing: only the k experts of greatest weight run. MAE by class, mean over seeds, and the expert layer's
    share of work."""
    count = results[0].experiment.task.experts
    label = results[0].predictions["label"].to_numpy()
    each = np.stack([by_seed(results, f"expert_{m}") for m in range(count)], -1)
    weight = np.stack([by_seed(results, f"weight_{m}") for m in range(count)], -1)
    rank = (-weight).argsort(-1, kind="stable").argsort(-1, kind="stable")
    rows = []
    for k in range(1, count + 1):
        kept = weight * (rank < k)
        prediction = (kept * each).sum(-1) / kept.sum(-1)
        row = {"k": k, "experts_run": f"{k} of {count}"}
        for group in GROUPS:
            chosen = in_group(label, group)
            row[f"mae_{group.lower()}"] = mae(label[chosen], prediction[:, chosen]).mean() if chosen.any() else np.nan
        rows.append(row)
    return pd.DataFrame(rows)


def sweep_table(results: Sequence[Result], parameter: str) -> pd.DataFrame:
    """MAE by class against a swept parameter, mean over seeds: "experts" of stage 2, or "strength" of its encoder's
    contrastive loss."""
    rows = []
    for result in results:
        experiment, test = result.experiment, result.predictions
        holder = experiment.task if parameter == "experts" else experiment.parents["encoder"].task
        label, prediction = test["label"].to_numpy(), test["prediction"].to_numpy()
        groups = {f"mae_{group.lower()}": in_group(label, group) for group in GROUPS}
        errors = {name: mae(label[g], prediction[g]) if g.any() else np.nan for name, g in groups.items()}
        rows.append({parameter: getattr(holder, parameter, 0.0), **errors})  # a plain encoder has no strength
    grouped = pd.DataFrame(rows).groupby(parameter)
    return grouped.mean().assign(seeds=grouped.size()).reset_index()


def conformal_table(methods: Mapping[str, Sequence[Result]], coverage: float = 0.9) -> pd.DataFrame:
    """Split-conformal intervals calibrated on the validation split: half-width, and coverage on the test split by
    class, mean over seeds."""
    rows = []
    for name, results in methods.items():
        widths, covered = [], []
        for result in results:
            validation, test = result.table("validation"), result.predictions
            width = conformal_half_width(validation["label"], validation["prediction"], coverage)
            label, prediction = test["label"].to_numpy(), test["prediction"].to_numpy()
            groups = (in_group(label, group) for group in GROUPS)
            covered.append([interval_coverage(label[g], prediction[g], width) if g.any() else np.nan for g in groups])
            widths.append(width)
        shares = dict(zip((f"covered_{group}" for group in GROUPS), np.mean(covered, axis=0), strict=True))
        rows.append({"method": name, "half_width": np.mean(widths), **shares, "seeds": len(results)})
    return pd.DataFrame(rows)
