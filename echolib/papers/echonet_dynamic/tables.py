"""What the notebooks on EchoNet-Dynamic show: one video, EF by every system, segmentation here and on CAMUS."""

import pandas as pd
from matplotlib.figure import Figure as Drawing

from echolib.data.readers.echonet_dynamic import EchoNetDynamic
from echolib.metrics.ejection import auc_scores
from echolib.papers.echonet_dynamic.experiments import (
    NETWORKS,
    beat_to_beat_experiment,
    camus_experiment,
    ef_experiments,
    protocol_note,
    segmentation_experiment,
)
from echolib.papers.echonet_dynamic.explorer import read_chosen
from echolib.papers.echonet_dynamic.scores import (
    BASE,
    BEAT_TO_BEAT,
    dice_table,
    ef_predictions,
    mask_ef,
    mask_ef_table,
    published_dice,
    published_ef,
    split_table,
)
from echolib.papers.ef_scores import SCORES, scores_table
from echolib.papers.exhibits import Figure, Published, Results, Rows, Setup, Table
from echolib.report.learning_curves import learning_curves

SEGMENTER, CAMUS_SEGMENTER = "DeepLabV3", "U-Net"
STORY = frozenset((BASE, BEAT_TO_BEAT))


def networks(setup: Setup) -> Rows:
    """The three networks that read EF from clips, one experiment for each seed."""
    folder = setup.folder("echonet_dynamic")
    return {title: ef_experiments(setup.profile, folder, network) for network, title in NETWORKS.items()}


def base_network(setup: Setup) -> Rows:
    """R(2+1)D-18 alone."""
    return {BASE: networks(setup)[BASE]}


def beat_to_beat(setup: Setup) -> Rows:
    """R(2+1)D-18 averaged over the beats that DeepLabV3 finds."""
    return {BEAT_TO_BEAT: [beat_to_beat_experiment(setup.profile, setup.folder("echonet_dynamic"))]}


def systems(setup: Setup) -> Rows:
    """Everything that reads EF."""
    return {**networks(setup), **beat_to_beat(setup)}


def segmenter(setup: Setup) -> Rows:
    """DeepLabV3 on traced frames."""
    folder, seeds = setup.folder("echonet_dynamic"), setup.profile.seeds
    return {SEGMENTER: [segmentation_experiment(setup.profile, folder, seed) for seed in seeds]}


def camus_segmenter(setup: Setup) -> Rows:
    """The U-Net on CAMUS."""
    folder, seeds = setup.folder("camus"), setup.profile.seeds
    return {CAMUS_SEGMENTER: [camus_experiment(setup.profile, folder, seed) for seed in seeds]}


def _clips(results: Results, setup: Setup) -> pd.DataFrame:
    clips = setup.once(read_chosen, results).clips.rename(columns={"prediction": "ef_percent"})
    return clips.assign(data="your video") if setup.choices["clip"] else clips


def _videos(results: Results, setup: Setup) -> pd.DataFrame:
    return split_table(EchoNetDynamic(setup.folder("echonet_dynamic")).videos)


def _validation_error(results: Results, setup: Setup) -> Drawing:
    logs = {network: of_network[0].log for network, of_network in results.items()}
    return learning_curves(logs, metric="mae", unit="EF points")


def _dice(results: Results, setup: Setup) -> pd.DataFrame:
    tables = [result.predictions for result in results[SEGMENTER]]
    return dice_table(tables, ["lv"], resamples=setup.profile.resamples)


def _ef_errors(results: Results, setup: Setup) -> pd.DataFrame:
    videos = EchoNetDynamic(setup.folder("echonet_dynamic")).videos
    training_ef = videos.loc[videos["split"] == "train", "ef_percent"].to_numpy()
    label = results[BASE][0].predictions["label"].to_numpy()
    return scores_table(label, ef_predictions(results, training_ef), resamples=setup.profile.resamples)


def _auc(results: Results, setup: Setup) -> pd.DataFrame:
    first = results[BASE][0].predictions
    label, prediction = first["label"].to_numpy(), first["prediction"].to_numpy()
    return auc_scores(label, prediction, resamples=setup.profile.resamples)


def _camus_dice(results: Results, setup: Setup) -> pd.DataFrame:
    of_seeds = results[CAMUS_SEGMENTER]
    structures = of_seeds[0].experiment.task.structures
    return dice_table([result.predictions for result in of_seeds], structures, resamples=setup.profile.resamples)


def _camus_ef(results: Results, setup: Setup) -> pd.DataFrame:
    of_masks = [mask_ef(result.predictions) for result in results[CAMUS_SEGMENTER]]
    return mask_ef_table(of_masks, resamples=setup.profile.resamples)


BEATS = Table(
    name="beats",
    caption="EF by the clip around each beat, from its first frame.",
    rows=beat_to_beat,
    shows_items_of=("echonet_dynamic",),
    measure=_clips,
    decimals=1,
)
VIDEOS = Table(
    name="videos",
    caption="Videos by split: mean length and rate, EF in percent.",
    measure=_videos,
)
EF_LEARNING_CURVES = Figure(
    name="ef_learning_curves",
    caption="Validation error on the middle clip of each video, by epoch.",
    rows=networks,
    story=STORY.__contains__,
    draw=_validation_error,
)
SEGMENTATION = Table(
    name="segmentation",
    caption=(
        "Dice of DeepLabV3 on traced test frames, 90 % intervals over videos and seeds. Published: DeepLabV3 on "
        "EchoNet-Dynamic without pretraining (Saeed et al., Table 1)."
    ),
    rows=segmenter,
    measure=_dice,
    published=Published(read=published_dice, keys=("structure", "phase"), metrics=("dice", "dice_sd", "dice_pooled")),
)
EJECTION_FRACTION = Table(
    name="ejection_fraction",
    caption=(
        "EF on the test split, mean over seeds with 90 % intervals over videos and seeds. Published numbers are of "
        "EchoNet-Dynamic: Chen and Li, Table 1 (all clips); comments in the reference code (one clip, beat to beat)."
    ),
    rows=systems,
    story=STORY.__contains__,
    measure=_ef_errors,
    published=Published(
        read=published_ef, keys="method", metrics=tuple(SCORES), beside=("learnt",), note=protocol_note
    ),
)
AUC = Table(
    name="auc",
    caption="AUC of R(2+1)D-18 for EF below a threshold (percent).",
    rows=base_network,
    measure=_auc,
)
CAMUS_SEGMENTATION = Table(
    name="camus_segmentation",
    caption=lambda setup: (
        f"Dice of a U-Net on CAMUS test patients (apical four-chamber), at {setup.profile.camus_stored} px: mean over "
        "seeds, 90 % intervals over patients and seeds."
    ),
    rows=camus_segmenter,
    measure=_camus_dice,
    data=("camus",),
)
CAMUS_EF = Table(
    name="camus_ef",
    caption="EF of CAMUS test patients by single-plane discs. Points of EF; bias is the first minus the second.",
    rows=camus_segmenter,
    measure=_camus_ef,
    data=("camus",),
)
