"""What Chen and Li's tables hold, computed from finished experiments and their trained models."""

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from echolib.engine.experiment import Result
from echolib.metrics.variance import interval_over_seeds
from echolib.papers.claims import Claim, Comparison, Evidence, check_learnt, mean_value
from echolib.papers.ef_scores import TEST_VIDEOS, Predictions, by_seed, scores_table
from echolib.papers.exhibits import Results, Setup
from echolib.papers.gates import ef_gate, map_gate
from echolib.papers.tca.activation import ActivationMaps, activation_maps
from echolib.papers.tca.experiments import NOISE
from echolib.papers.tca.gates import gates_over_time
from echolib.papers.tca.noise import under_noise
from echolib.papers.true_cycle import true_cycle

# label (videos,), and EF by model and share of pixels set to 0: (seeds, videos)
NoisyPredictions = tuple[np.ndarray, Mapping[Hashable, Mapping[float, np.ndarray]]]


def labels_of(results: Results) -> np.ndarray:
    """EF of the test videos (videos,), in the order of the first row's predictions."""
    return next(iter(results.values()))[0].predictions["label"].to_numpy()


def random_clip_predictions(results: Results, setup: Setup) -> Predictions:
    """EF as the paper predicts it, the mean over ten random clips of a video; all rows in the order of the first's.

    The beat-to-beat system has clips of its own, one for each beat: its mean over those stands for it.
    """
    first = next(iter(results.values()))[0]

    def predicted(of_row: Sequence[Result]) -> np.ndarray:
        column = "random_clips" if "random_clips" in of_row[0].predictions else "prediction"
        return by_seed(of_row, column, like=first)

    return labels_of(results), {row: predicted(of_row) for row, of_row in results.items()}


def random_clip_scores(results: Results, setup: Setup) -> pd.DataFrame:
    """MAE, RMSE and R2 of each row, as the paper predicts: see `scores_table`."""
    return scores_table(*setup.once(random_clip_predictions, results), resamples=setup.profile.resamples)


def tca_variants(results: Results, setup: Setup) -> pd.DataFrame:
    """`random_clip_scores` of TCA at other places and with another window, and the parameters of each network."""
    scores = random_clip_scores(results, setup)
    parameters = [results[row][0].metrics["parameters"] for row in scores["method"]]
    return scores.assign(parameters=parameters).rename(columns={"method": "TCA"})


def pseudo_label_quality(results: Results, setup: Setup) -> pd.DataFrame:
    """How well the segmenter outlines the two traced frames of each training video: Dice, and alpha, their mean."""
    ((labels,),) = results.values()
    quality = labels.predictions[["dice_ed", "dice_es", "alpha"]].describe()
    return quality.loc[["mean", "std", "min", "50%", "max"]].rename_axis("over training videos")


def noisy_predictions(results: Results, setup: Setup) -> NoisyPredictions:
    """EF by every model at every share of noise; it runs the trained models."""
    assert setup.context is not None
    return labels_of(results), {row: under_noise(of_row, setup.context, NOISE) for row, of_row in results.items()}


def noise_scores(results: Results, setup: Setup) -> pd.DataFrame:
    """MAE, RMSE and R2 by model and share of pixels set to 0."""
    label, predictions = setup.once(noisy_predictions, results)
    parts = []
    for model, by_share in predictions.items():
        scores = scores_table(label, by_share, resamples=setup.profile.resamples)
        parts.append(scores.rename(columns={"method": "noise"}).assign(method=model))
    return pd.concat(parts, ignore_index=True)


def added_errors(results: Results, setup: Setup) -> Predictions:
    """What the highest share of noise adds to the absolute error of each test video, in EF points."""
    label, predictions = setup.once(noisy_predictions, results)
    added = {m: abs(by[NOISE[-1]] - label) - abs(by[NOISE[0]] - label) for m, by in predictions.items()}
    return label, added


def mean_added_errors(results: Results, setup: Setup) -> pd.DataFrame:
    """`added_errors` by model, the mean over test videos and seeds."""
    _, added = setup.once(added_errors, results)
    rows = [{"method": model, "added": errors.mean(), "seeds": len(errors)} for model, errors in added.items()]
    return pd.DataFrame(rows)


def maps_by_model(results: Results, setup: Setup) -> dict[Hashable, list[ActivationMaps]]:
    """Class activation maps of each model, one for each seed; it runs the trained models."""
    context = setup.context
    assert context is not None
    return {model: [activation_maps(result, context) for result in of_model] for model, of_model in results.items()}


def inside_by_seed(maps: Sequence[ActivationMaps]) -> np.ndarray:
    """Share of the positive activation inside the ventricle of each test video: (seeds, videos)."""
    return np.stack([of_seed.shares for of_seed in maps])


def activation_inside(results: Results, setup: Setup) -> pd.DataFrame:
    """`inside_by_seed` of each model: mean over videos and seeds with 90 % intervals; beside it the share of the image
    that the ventricle fills, and whether the maps have cells enough."""
    rows = []
    for model, maps in setup.once(maps_by_model, results).items():
        inside, areas = inside_by_seed(maps), maps[0].areas
        interval = interval_over_seeds(mean_value, areas, inside, resamples=setup.profile.resamples)
        row = {"method": model} | dict(zip(("inside", "inside_low", "inside_high"), interval, strict=True))
        row |= {"ventricle_of_image": areas.mean(), "n": len(areas), "seeds": len(maps)}
        rows.append(row | {"fine_enough": map_gate(*maps[0].cells).outcome})
    return pd.DataFrame(rows)


def activation_evidence(results: Results, setup: Setup, claim: Claim, part: Comparison) -> Evidence:
    """The share of activation inside the ventricle of each test video by two models; the label plays no part."""
    maps, (label, by_row) = setup.once(maps_by_model, results), setup.once(random_clip_predictions, results)
    pair = part.worse, part.better
    check_learnt({str(row): ef_gate(label, by_row[row]) for row in pair})
    check_learnt({str(row): map_gate(*maps[row][0].cells) for row in pair})
    worse, better = (inside_by_seed(maps[row]) for row in pair)
    return Evidence(mean_value, maps[part.worse][0].areas, worse, better, paper_people=TEST_VIDEOS["all"])


def gates_in_cycle(results: Results, setup: Setup) -> pd.DataFrame:
    """The gates of the one trained model over the true heart cycle; it runs the model. Raises as `true_cycle`."""
    ((model,),) = results.values()
    assert setup.context is not None
    return gates_over_time(model, setup.context, true_cycle(setup))


def gate_correlations(results: Results, setup: Setup) -> pd.DataFrame:
    """`correlation_with_speed` of the trained model."""
    return correlation_with_speed(setup.once(gates_in_cycle, results))


def correlation_with_speed(gates: pd.DataFrame) -> pd.DataFrame:
    """Rank correlation of a gate's excitation with how fast the volume changes, over the steps of each clip, averaged
    over test videos; one row per stage. gates: see `gates_over_time`."""
    rows = []
    for stage, of_stage in gates.groupby("stage", sort=False):
        within = [
            spearmanr(clip["excitation"], clip["speed"]).statistic
            for _, clip in of_stage.groupby("name")
            if len(clip) > 2 and clip["excitation"].nunique() > 1 and clip["speed"].nunique() > 1
        ]
        steps = int(of_stage.groupby("name").size().iloc[0])
        row = {"stage": stage, "steps": steps, "excitation": of_stage["excitation"].mean()}
        rows.append(row | {"correlation": np.mean(within) if within else np.nan, "n": len(within)})
    return pd.DataFrame(rows)
