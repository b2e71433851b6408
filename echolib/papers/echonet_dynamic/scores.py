"""EchoNet-Dynamic's tables, rebuilt from the predictions of finished experiments."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from echolib.engine.experiment import Result
from echolib.geometry.volumes import ejection_fraction
from echolib.metrics.bootstrap import bootstrap_interval
from echolib.metrics.ejection import mae
from echolib.metrics.masks import pooled_dice
from echolib.papers import published
from echolib.papers.echonet_dynamic.experiments import NETWORKS
from echolib.papers.ef_scores import SCORES, scores_table
from echolib.report.published import beside_published

ALL_CLIPS = {f"{name}, all clips": key for key, name in NETWORKS.items()}
ONE_CLIP, BEATS, MEAN = "R(2+1)D-18, one clip", "R(2+1)D-18, beat to beat", "mean of the training labels"


def ef_predictions(results: Sequence[Result], beats: Result, training_ef: np.ndarray) -> dict[str, np.ndarray]:
    """Method -> predicted EF (seeds, test videos); the videos in the order of the first result's predictions."""
    order = results[0].predictions["name"]

    def column(result: Result, name: str) -> np.ndarray:
        return result.predictions.set_index("name").loc[order, name].to_numpy()

    methods = {}
    for method, network in ALL_CLIPS.items():
        of_network = [each for each in results if each.experiment.task.network == network]
        methods[method] = np.stack([column(each, "prediction") for each in of_network])
        if network == "r2plus1d_18":
            methods[ONE_CLIP] = np.stack([column(each, "one_clip") for each in of_network])
    methods[BEATS] = column(beats, "prediction")[None]
    return {MEAN: np.full((1, len(order)), training_ef.mean())} | methods


def ef_table(label: np.ndarray, methods: Mapping[str, np.ndarray], *, data: str, resamples: int) -> pd.DataFrame:
    """MAE, RMSE (EF points) and R2 with 90 % intervals over test videos, averaged over seeds, beside published numbers.

    label (videos,), methods {name: (seeds, videos)}. Published: all clips from Chen and Li's Table 1, one clip and beat
    to beat from the comments of the EchoNet-Dynamic scripts.
    """
    ours = scores_table(label, methods, resamples=resamples)
    return beside_published(ours, _published_ef(), "method", list(SCORES), data=data)


def _published_ef() -> pd.DataFrame:
    printed = published("tca_table1").replace({"method": {"mc3": "MC3-18", "r3d": "R3D-18", "r2plus1d": "R(2+1)D-18"}})
    printed = printed[printed["method"].isin(NETWORKS.values())]
    printed = printed.assign(method=printed["method"] + ", all clips")
    comments = published("echonet_dynamic").replace({"method": {"one_clip": ONE_CLIP, "beat_to_beat": BEATS}})
    return pd.concat([printed, comments])


def dice_table(
    predictions: pd.DataFrame, structures: Sequence[str], *, resamples: int, people: str = "person"
) -> pd.DataFrame:
    """Dice by structure and phase: per image (mean, SD, 90 % interval over patients) and pooled over pixels.

    predictions: a Segmentation experiment's table, at the stored resolution.
    """
    rows = []
    for structure in structures:
        for phase in ("ED", "ES", "both"):
            part = predictions if phase == "both" else predictions[predictions["phase"] == phase]
            each = part[f"{structure}_dice"].to_numpy()
            interval = bootstrap_interval(_mean, each, resamples=resamples, groups=part[people].to_numpy())
            counts = [part[f"{structure}_{what}_px"].to_numpy() for what in ("overlap", "predicted", "true")]
            rows.append(
                {"structure": structure, "phase": phase, "n": len(part)}
                | dict(zip(("dice", "dice_low", "dice_high"), interval, strict=True))
                | {"dice_sd": each.std(ddof=1), "dice_pooled": float(pooled_dice(*counts))}
            )
    return pd.DataFrame(rows)


def _mean(values: np.ndarray) -> np.ndarray:
    return values.mean(axis=-1)


def published_dice() -> pd.DataFrame:
    """DeepLabV3 without pretraining on all labels of EchoNet-Dynamic, per image (Saeed et al., Table 1, row 1)."""
    printed = published("contrastive_table1_echonet")
    first = printed[(printed["row"] == 1) & (printed["fraction"] == 1)]
    return pd.DataFrame({"structure": ["lv"], "phase": ["both"], "dice": first["dice_mean"].to_numpy()})


def mask_ef(predictions: pd.DataFrame) -> pd.DataFrame:
    """EF in percent of each CAMUS test patient: `predicted` and `from_masks` (single-plane discs), and the cfg's."""
    volumes = predictions.pivot(index="person", columns="phase", values=["predicted_volume_ml", "true_volume_ml"])
    table = pd.DataFrame(index=volumes.index)
    for name, kind in (("predicted", "predicted_volume_ml"), ("from_masks", "true_volume_ml")):
        table[name] = ejection_fraction(volumes[kind, "ED"].to_numpy(), volumes[kind, "ES"].to_numpy())
    table["cfg"] = predictions.groupby("person")["label"].first()
    return table


def mask_ef_table(ef: pd.DataFrame, *, resamples: int) -> pd.DataFrame:
    """Bias, MAE (EF points) and Pearson's r between the EF of `mask_ef`; patients without a mask's EF left out."""
    pairs = (("predicted", "from_masks"), ("predicted", "cfg"), ("from_masks", "cfg"))
    rows = []
    for first, second in pairs:
        both = ef[[first, second]].dropna()
        a, b = both[first].to_numpy(), both[second].to_numpy()
        interval = bootstrap_interval(mae, b, a, resamples=resamples)
        correlation = np.corrcoef(a, b)[0, 1] if len(both) > 1 else np.nan
        rows.append(
            {"EF": WORDS[first], "against": WORDS[second], "n": len(both), "bias": (a - b).mean()}
            | dict(zip(("mae", "mae_low", "mae_high"), interval, strict=True))
            | {"r": correlation}
        )
    return pd.DataFrame(rows)


WORDS = {"predicted": "predicted masks", "from_masks": "human masks", "cfg": "EF of the cfg"}
