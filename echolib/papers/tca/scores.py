"""Chen and Li's tables, rebuilt from the predictions of finished experiments."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from echolib.engine.experiment import Result
from echolib.metrics.bootstrap import bootstrap_interval, paired_difference
from echolib.papers import published
from echolib.papers.ef_scores import SCORES, Claim, by_seed, scores_table
from echolib.papers.tca.experiments import TABLE1, TABLE2, TABLE3
from echolib.papers.tca.features import Activations
from echolib.report.published import beside_published

NAMES = {"tca_table1": TABLE1, "tca_table2": TABLE2, "tca_table3": TABLE3}
# "random_clips" is the paper's reading of a test video, the mean over ten of its clips; "prediction" takes every clip
READINGS = {"ten random clips": "random_clips", "every clip": "prediction"}

CLAIMS = (
    Claim("anchors lower the error (M1 below M0)", TABLE2["m1"], TABLE2["m0"]),
    Claim("TCA lowers it further (M2 below M1)", TABLE2["m2"], TABLE2["m1"]),
    Claim("masks and S-TCA lower it further (M3 below M2)", TABLE2["m3"], TABLE2["m2"]),
    Claim("all of them together (M3 below M0)", TABLE2["m3"], TABLE2["m0"]),
)
SYSTEM_CLAIMS = tuple(
    Claim(f"M3 has a lower error than {TABLE1[rival]}", TABLE1["ours"], TABLE1[rival])
    for rival in ("mc3", "r3d", "echonet_dynamic")
)
ATTENTION_CLAIMS = tuple(
    Claim(f"TCA has a lower error than {words}", TABLE3["tca"], TABLE3[rival])
    for rival, words in (("se", "SE"), ("me", "ME"))
)


def readings(
    rows: Mapping[str, Sequence[Result]], words: Mapping[str, str], column: str = "random_clips"
) -> dict[str, np.ndarray]:
    """Predicted EF of each row of a table by its words: (seeds, videos), all in the same order of videos.

    The beat-to-beat system has clips of its own, one a beat: its row is the same in either reading.
    """
    like = next(iter(rows.values()))[0]
    return {
        words[row]: by_seed(results, column if column in results[0].predictions else "prediction", like)
        for row, results in rows.items()
    }


def table(label: np.ndarray, methods: Mapping[str, np.ndarray], name: str, *, data: str, resamples: int):
    """MAE, RMSE and R2 beside one of the paper's tables: name is "tca_table1", "tca_table2" or "tca_table3"."""
    ours = scores_table(label, methods, resamples=resamples)
    printed = published(name).replace({"method": NAMES[name]})
    return beside_published(ours, printed, "method", list(SCORES), data=data)


def sweep_table(rows: Mapping[str, Sequence[Result]], *, resamples: int) -> pd.DataFrame:
    """TCA at other places and with another window: scores by the paper's reading, and added parameters."""
    methods = readings(rows, {row: row for row in rows})
    label = next(iter(rows.values()))[0].predictions["label"].to_numpy()
    scores = scores_table(label, methods, resamples=resamples)
    scores["parameters"] = [rows[row][0].metrics["parameters"] for row in scores["method"]]
    return scores.rename(columns={"method": "TCA"})


def noise_table(
    label: np.ndarray, curves: Mapping[str, Mapping[float, np.ndarray]], *, data: str, resamples: int
) -> pd.DataFrame:
    """MAE, RMSE and R2 by model and share of pixels set to 0, beside the two points that the paper's text gives.

    curves: {model: {share: predictions (seeds, videos)}}.
    """
    parts = []
    for model, by_share in curves.items():
        scores = scores_table(label, {share: each for share, each in by_share.items()}, resamples=resamples)
        parts.append(scores.rename(columns={"method": "noise"}).assign(method=model))
    printed = published("tca_noise").assign(method=TABLE2["m3"])
    keys, ours = ["method", "noise"], pd.concat(parts, ignore_index=True)
    both = beside_published(ours, printed, keys, list(SCORES), data=data)
    return ours[keys].merge(both, on=keys)  # a curve after another, not printed points first


def robustness_table(
    label: np.ndarray, curves: Mapping[str, Mapping[float, np.ndarray]], *, resamples: int
) -> pd.DataFrame:
    """What the highest share of noise adds to the MAE of each model, and that of each minus the first model's, paired
    over videos and seeds: the claim is that a model loses less than the first does."""
    share = max(next(iter(curves.values())))
    added = {model: abs(by[share] - label) - abs(by[0.0] - label) for model, by in curves.items()}
    first = next(iter(added))
    rows = []
    for model, each in added.items():
        row = {"method": model, "added": each.mean(), "seeds": len(each)}
        if model != first:
            found = paired_difference(_mean, label, added[first], each, resamples=resamples)
            row |= {"difference": found.estimate, "difference_low": found.low, "difference_high": found.high}
            row["verdict"] = found.verdict("lower")
            row["claim"] = f"at {100 * share:g} % noise less is lost than by {first}"
        rows.append(row)
    return pd.DataFrame(rows)


def _mean(label: np.ndarray, values: np.ndarray) -> np.ndarray:
    return values.mean(-1)


def activation_table(maps: Mapping[str, Activations], *, resamples: int) -> pd.DataFrame:
    """Share of each model's positive activation inside the ventricle: mean over test videos with 90 % intervals; and
    that of each minus the first model's, paired over videos: the claim is that a model looks there more."""
    rows, first = [], next(iter(maps))
    for model, each in maps.items():
        interval = bootstrap_interval(lambda shares: shares.mean(-1), each.shares, resamples=resamples)
        row = {"method": model} | dict(zip(("inside", "inside_low", "inside_high"), interval, strict=True))
        row |= {"ventricle_of_image": each.areas.mean(), "n": len(each.names), "seeds": 1}
        if model != first:
            found = paired_difference(_mean, each.areas, maps[first].shares, each.shares, resamples=resamples)
            row |= {"difference": found.estimate, "difference_low": found.low, "difference_high": found.high}
            row["verdict"] = found.verdict("higher")
            row["claim"] = f"activation lies more in the ventricle than that of {first}"
        rows.append(row)
    return pd.DataFrame(rows)
