"""What the other EF systems say beside EF: key frames, frame weights, uncertainty."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from echolib.engine.experiment import Result
from echolib.metrics.bootstrap import bootstrap_interval
from echolib.metrics.calibration import LEVELS, calibration_curve, expected_calibration_error, gaussian_coverage


def key_frame_table(results: Mapping[str, Result], *, resamples: int) -> pd.DataFrame:
    """Distance of the predicted from the traced ED and ES frame by system: mean in frames with 90 % intervals, and in
    ms."""
    rows = []
    for name, result in results.items():
        frames = result.table("key_frames").merge(result.predictions[["name", "fps"]], on="name")
        row: dict[str, object] = {"system": name, "n": len(frames)}
        for phase in ("ed", "es"):
            error = (frames[f"predicted_{phase}"] - frames[f"{phase}_frame"]).abs().to_numpy(float)
            interval = bootstrap_interval(lambda sample: sample.mean(-1), error, resamples=resamples)
            row |= dict(zip((phase, f"{phase}_low", f"{phase}_high"), interval, strict=True))
            row[f"{phase}_ms"] = float((1000 * error / frames["fps"]).mean())
        rows.append(row)
    return pd.DataFrame(rows)


def uncertainty(result: Result) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Label, predicted mean and total standard deviation of each test video, in EF points: (videos,) each."""
    table = result.predictions
    total = np.sqrt(table["epistemic_sd"] ** 2 + table["aleatoric_sd"] ** 2)
    return table["label"].to_numpy(), table["prediction"].to_numpy(), total.to_numpy()


def calibration_table(results: Sequence[Result]) -> pd.DataFrame:
    """Whether the Bayesian network's uncertainty is as wide as its errors; one row per seed.

    Coverage of its central 50 and 90 % intervals, expected calibration error, the two standard deviations (EF points),
    and the rank correlation of the total one with the absolute error.
    """
    rows = []
    for result in results:
        label, mean, sd = uncertainty(result)
        rows.append(
            {
                "seed": result.experiment.seed,
                "covered_50": gaussian_coverage(label, mean, sd, 0.5),
                "covered_90": gaussian_coverage(label, mean, sd, 0.9),
                "calibration_error": expected_calibration_error(label, mean, sd),
                "epistemic_sd": result.predictions["epistemic_sd"].mean(),
                "aleatoric_sd": result.predictions["aleatoric_sd"].mean(),
                "error_correlation": spearmanr(sd, abs(label - mean)).statistic,
                "n": len(label),
            }
        )
    return pd.DataFrame(rows)


def calibration_curves(results: Sequence[Result]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Nominal and observed coverage, by seed."""
    return {
        f"seed {result.experiment.seed}": (np.array(LEVELS), calibration_curve(*uncertainty(result)))
        for result in results
    }


def weights_over_cycle(weights: pd.DataFrame, cycle: pd.DataFrame) -> pd.DataFrame:
    """EchoGNN's frame weights beside the true heart: name, start (of the clip), frame, weight, phase, speed.

    weights: name, start, frame, weight; cycle: see `with_speed`.
    """
    return weights.merge(cycle, on=["name", "frame"], validate="many_to_one")


def weight_table(weights: pd.DataFrame) -> pd.DataFrame:
    """How EchoGNN distributes its attention: mean weight, its standard deviation within a clip, and its rank
    correlation with the speed of the volume, each averaged over test videos. weights: see `weights_over_cycle`."""
    clips = weights.groupby("name")  # one of each video
    correlations = [
        spearmanr(clip["weight"], clip["speed"]).statistic
        for _, clip in clips
        if clip["weight"].nunique() > 1 and clip["speed"].nunique() > 1
    ]
    row = {
        "weight": weights["weight"].mean(),
        "sd_within_clip": clips["weight"].std().mean(),
        "speed_correlation": np.mean(correlations) if correlations else np.nan,
        "n": len(correlations),
    }
    return pd.DataFrame([row])
