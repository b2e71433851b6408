"""EchoNet-Dynamic's tables, rebuilt from the predictions of finished experiments."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from echolib.engine.experiment import Result
from echolib.geometry.volumes import ejection_fraction
from echolib.metrics.ejection import mae
from echolib.metrics.masks import pooled_dice
from echolib.metrics.variance import interval_over_seeds
from echolib.papers.claims import mean_value
from echolib.papers.echonet_dynamic.experiments import NETWORKS
from echolib.papers.ef_scores import by_seed
from echolib.papers.published import published

BASE = NETWORKS["r2plus1d_18"]  # whose EF is read from one clip and beat to beat as well
ONE_CLIP, BEAT_TO_BEAT, TRAINING_MEAN = f"{BASE}, one clip", f"{BASE}, beat to beat", "mean of the training labels"
EF_OF_MASKS = {"predicted": "predicted masks", "from_masks": "human masks", "cfg": "EF of the cfg"}


def split_table(videos: pd.DataFrame) -> pd.DataFrame:
    """Each split of the dataset: how many videos, their mean length and rate, mean and SD of EF in percent."""
    return videos.groupby("split", sort=False).agg(
        videos=("video", "size"),
        frames=("frames", "mean"),
        fps=("fps", "mean"),
        ef_mean=("ef_percent", "mean"),
        ef_sd=("ef_percent", "std"),
    )


def all_clips(network: str) -> str:
    """How the tables name a network whose predictions from every clip of a video are averaged."""
    return f"{network}, all clips"


def ef_predictions(results: Mapping[str, Sequence[Result]], training_ef: np.ndarray) -> dict[str, np.ndarray]:
    """Method -> predicted EF (seeds, test videos); the videos in the order of the base network's first predictions.

    results: of those of `NETWORKS` that were run by title, and of `BEAT_TO_BEAT`; training_ef: (videos,) in percent.
    """
    first = results[BASE][0]
    methods = {TRAINING_MEAN: np.full((1, len(first.predictions)), training_ef.mean())}
    for network in NETWORKS.values():
        if network in results:
            methods[all_clips(network)] = by_seed(results[network], like=first)
    methods[ONE_CLIP] = by_seed(results[BASE], "one_clip", like=first)
    methods[BEAT_TO_BEAT] = by_seed(results[BEAT_TO_BEAT], like=first)
    return methods


def published_ef() -> pd.DataFrame:
    """MAE, RMSE (EF points) and R2 as printed, by method.

    All clips: Chen and Li, Table 1. One clip and beat to beat: comments in the EchoNet-Dynamic scripts.
    """
    networks = {"mc3": NETWORKS["mc3_18"], "r3d": NETWORKS["r3d_18"], "r2plus1d": NETWORKS["r2plus1d_18"]}
    printed = published("tca", "table_1")
    printed = printed[printed["method"].isin(networks)]
    printed = printed.assign(method=[all_clips(networks[method]) for method in printed["method"]])
    comments = published("echonet_dynamic", "script_comments")
    return pd.concat([printed, comments.replace({"method": {"one_clip": ONE_CLIP, "beat_to_beat": BEAT_TO_BEAT}})])


def dice_table(predictions: Sequence[pd.DataFrame], structures: Sequence[str], *, resamples: int) -> pd.DataFrame:
    """Dice by structure and phase: per image (mean over seeds, SD over images, 90 % interval over patients and seeds)
    and pooled over pixels.

    predictions: a Segmentation experiment's table of each seed, at the stored resolution.
    """
    rows = []
    for structure in structures:
        for phase in ("ED", "ES", "both"):
            parts = [table if phase == "both" else table[table["phase"] == phase] for table in predictions]
            people = parts[0]["person"].to_numpy()
            dice = np.stack([part[f"{structure}_dice"].to_numpy() for part in parts])
            interval = interval_over_seeds(mean_value, np.zeros(len(people)), dice, resamples=resamples, groups=people)
            row = {"structure": structure, "phase": phase, "n": len(people)}
            row |= dict(zip(("dice", "dice_low", "dice_high"), interval, strict=True))
            row |= {"dice_sd": dice.std(axis=1, ddof=1).mean(), "dice_pooled": _pooled(parts, structure)}
            rows.append(row | {"seeds": len(parts)})
    return pd.DataFrame(rows)


def _pooled(predictions: Sequence[pd.DataFrame], structure: str) -> float:
    """Dice over all pixels, the mean over seeds."""
    areas = [f"{structure}_{area}_px" for area in ("overlap", "predicted", "true")]
    return float(np.mean([pooled_dice(*table[areas].to_numpy().T) for table in predictions]))


def published_dice() -> pd.DataFrame:
    """DeepLabV3 without pretraining on all labels of EchoNet-Dynamic, per image (Saeed et al., Table 1, row 1)."""
    printed = published("contrastive", "table_1")
    first = printed[(printed["row"] == 1) & (printed["fraction"] == 1)]
    return pd.DataFrame({"structure": ["lv"], "phase": ["both"], "dice": first["dice_mean"].to_numpy()})


def mask_ef(predictions: pd.DataFrame) -> pd.DataFrame:
    """EF in percent of each CAMUS test patient: `predicted` and `from_masks` (single-plane discs), and the cfg's."""
    volumes = predictions.pivot(index="person", columns="phase", values=["predicted_volume_ml", "true_volume_ml"])
    table = pd.DataFrame(index=volumes.index)
    for name, volume in (("predicted", "predicted_volume_ml"), ("from_masks", "true_volume_ml")):
        table[name] = ejection_fraction(volumes[volume, "ED"].to_numpy(), volumes[volume, "ES"].to_numpy())
    table["cfg"] = predictions.groupby("person")["label"].first()
    return table


def mask_ef_table(ef: Sequence[pd.DataFrame], *, resamples: int) -> pd.DataFrame:
    """Bias, MAE (EF points) and Pearson's r between the EF of `mask_ef` of each seed, means over seeds with a 90 %
    interval over patients and seeds; patients without an EF of some seed's masks are left out."""
    pairs = (("predicted", "from_masks"), ("predicted", "cfg"), ("from_masks", "cfg"))
    rows = []
    for first, second in pairs:
        both = np.stack([table[[first, second]].to_numpy(float) for table in ef])  # (seeds, patients, 2)
        ours, reference = np.moveaxis(both[:, np.isfinite(both).all(axis=(0, 2))], 2, 0)
        if first == "from_masks":  # of no network: the same for every seed
            ours, reference = ours[:1], reference[:1]
        interval = interval_over_seeds(mae, reference[0], ours, resamples=resamples)
        correlation = [np.corrcoef(a, b)[0, 1] if len(a) > 1 else np.nan for a, b in zip(ours, reference, strict=True)]
        row = {"EF": EF_OF_MASKS[first], "against": EF_OF_MASKS[second], "n": ours.shape[1]}
        row |= {"bias": (ours - reference).mean()} | dict(zip(("mae", "mae_low", "mae_high"), interval, strict=True))
        rows.append(row | {"r": np.mean(correlation), "seeds": len(ours)})
    return pd.DataFrame(rows)
