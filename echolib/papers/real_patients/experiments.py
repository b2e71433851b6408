"""EF of real patients from the ED and the ES frame: the systems of EchoMEN and of Chen and Li on pairs of images.

The losses, heads and experts are those papers' own, on an encoder for two frames; sizes, schedule and folds are ours.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from echolib.data.camus_folds import Population
from echolib.engine.experiment import Experiment
from echolib.engine.schedule import Schedule
from echolib.models.video import VideoNetwork
from echolib.models.width import scaled_channels
from echolib.papers.echomen.experiments import (
    ABLATION,
    FEATURES,
    METHODS,
    RIVALS,
    SETTINGS,
    contrast_fields,
    stage2_experiment,
)
from echolib.papers.echonet_dynamic.experiments import camus_selection, ef_task
from echolib.papers.exhibits import Rows, Setup
from echolib.papers.real_patients.folds import in_folds
from echolib.papers.sizes import Profile
from echolib.tasks.anchor_ef import AnchorEF
from echolib.tasks.ef_regression import EFRegression
from echolib.tasks.ldw_supcon_ef import LDWSupConEF
from echolib.tasks.semantic_pairs_ef import SemanticPairsEF
from echolib.tasks.video_ef import VideoEF

PAIR_NETWORK: VideoNetwork = "siamese_18"
EF_SCALE = 12.0  # percent points of EF per unit of the last layer, about the SD of EF: 500 pairs are few steps
MEAN_EF = 44.0  # percent, of CAMUS's cfg
POPULATIONS: dict[Population, str] = {"natural": "all patients", "echonet": "EchoNet-Dynamic's imbalance"}
ECHONET, ECHOMEN = METHODS["echonet"], METHODS["echomen"]
REMEDIES = ("sqinv", "dir", "focal_r", "ranksim", "balanced_mse")
VIDEO_NETWORK, ANCHORS, OUTLINES = "R(2+1)D-18, squared error", "anchors", "anchors, masks"

EFTask = TypeVar("EFTask", bound=VideoEF)


def pair_task(profile: Profile, kind: type[EFTask], **fields: Any) -> EFTask:
    """A task on clips of the two frames, each of which is the whole video."""
    clips = profile.patients.pairs
    own = {"weights": "none", "random_clips": 1, "ef_scale": EF_SCALE, "first_ef": MEAN_EF}
    return kind(**(ef_task(profile, PAIR_NETWORK, clips).model_dump() | own | fields))


def pair_schedule(profile: Profile) -> Schedule:
    """AdamW with a one-cycle rate, in every profile: nobody has published another."""
    clips = profile.patients.pairs
    sizes = {"epochs": clips.epochs, "batch_size": clips.batch_size}
    return Schedule(**sizes, optimiser="adamw", learning_rate=3e-3, weight_decay=1e-2, decay="one_cycle")


def _experiment(setup: Setup, name: str, task: VideoEF, seed: int) -> Experiment:
    selection = camus_selection(setup.profile, setup.folder("camus"))
    schedule = pair_schedule(setup.profile)
    return Experiment(name=f"pairs-{name}-seed{seed}", task=task, data=(selection,), schedule=schedule, seed=seed)


def _encoder(setup: Setup, seed: int, **fields: Any) -> Experiment:
    """EchoMEN's first stage."""
    printed = contrast_fields(SETTINGS["printed"]) | {"denominator": "negatives"}
    name = "unweighted-supcon" if fields.get("distance") == "none" else "ldw-supcon"
    return _experiment(setup, name, pair_task(setup.profile, LDWSupConEF, **(printed | fields)), seed)


def _experts(setup: Setup, encoder: Experiment, **fields: Any) -> Experiment:
    """EchoMEN's second stage; the encoder has features of both frames."""
    width = setup.profile.patients.pairs.width
    sized = {"features": 2 * scaled_channels(FEATURES, width), "ef_scale": EF_SCALE, "first_ef": MEAN_EF}
    return stage2_experiment(setup.profile, encoder, **(sized | fields))


def _methods(setup: Setup, seed: int) -> dict[str, Experiment]:
    """Table 1 by row, on pairs, of one seed."""
    squared = _experiment(setup, "squared-error", pair_task(setup.profile, EFRegression), seed)
    rivals = {
        METHODS[method]: _experiment(setup, method.replace("_", "-"), pair_task(setup.profile, RIVALS[method]), seed)
        for method in REMEDIES
    }
    return {ECHONET: squared, **rivals, ECHOMEN: _experts(setup, _encoder(setup, seed))}


def _ablation(setup: Setup, seed: int) -> dict[str, Experiment]:
    """Table 2 by row, on pairs, of one seed. Without aggregator nothing else is trained."""
    encoder = _encoder(setup, seed)
    full = _experts(setup, encoder)
    return {
        ABLATION["without_ldw_supcon"]: _experts(setup, _encoder(setup, seed, distance="none")),
        ABLATION["without_multiple_experts"]: _experts(setup, encoder, experts=1),
        ABLATION["without_reweighting"]: _experts(setup, encoder, diversity="subsets"),
        ABLATION["without_aggregator"]: full,
        ABLATION["echomen"]: full,
    }


def _anchors(setup: Setup, seed: int) -> dict[str, Experiment]:
    """What EF is read by, on one encoder: regression, anchors (M1), anchors beside masks; and another encoder."""
    make = partial(pair_task, setup.profile)
    other = make(EFRegression, network="r2plus1d_18")
    return {
        ECHONET: _methods(setup, seed)[ECHONET],
        ANCHORS: _experiment(setup, "anchors", make(AnchorEF), seed),
        OUTLINES: _experiment(setup, "anchors-masks", make(SemanticPairsEF), seed),
        VIDEO_NETWORK: _experiment(setup, "r2plus1d", other, seed),
    }


def _rows(
    of_seed: Callable[[Setup, int], dict[str, Experiment]], setup: Setup, population: Population = "natural"
) -> Rows:
    """Row -> one experiment for each seed and fold."""
    sizes = setup.profile.patients
    by_seed = [of_seed(setup, seed) for seed in sizes.seeds]
    return {row: in_folds([rows[row] for rows in by_seed], sizes.folds, population) for row in by_seed[0]}


methods, ablation, anchors = (partial(_rows, of_seed) for of_seed in (_methods, _ablation, _anchors))
