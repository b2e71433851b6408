"""Semantic-aware temporal channel-wise attention (Chen and Li, ISBI 2023): anchors, TCA, and a segmentation branch.

No code was published. What the paper leaves open is decided where it is built, and said there.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from echolib.engine.experiment import Experiment
from echolib.engine.schedule import Schedule
from echolib.models.video import VideoNetwork
from echolib.papers.echonet_dynamic.experiments import (
    beat_to_beat_experiment,
    echonet_selection,
    ef_experiment,
    ef_schedule,
    ef_task,
    segmentation_experiment,
)
from echolib.papers.exhibits import Rows, Setup
from echolib.papers.sizes import Profile
from echolib.tasks.anchor_ef import AnchorEF
from echolib.tasks.me_ef import MEEF
from echolib.tasks.pseudo_labels import PseudoLabels
from echolib.tasks.se_ef import SEEF
from echolib.tasks.semantic_ef import SemanticEF
from echolib.tasks.tca_ef import TCAEF

NETWORK = "r2plus1d_18"  # Sec. 7.3
SYSTEMS = {"mc3": "MC3", "r3d": "R3D", "r2plus1d": "R(2+1)D", "echonet_dynamic": "EchoNet-Dynamic", "ours": "M3"}
MODELS = {
    "m0": "M0: R(2+1)D",
    "m1": "M1: M0, anchors",
    "m2": "M2: M1, TCA",
    "m3": "M3: M2, masks, S-TCA",
}
ATTENTION = {"se": "SE", "me": "ME", "me_released": "ME, released gate", "tca": "TCA"}
STORY = frozenset(MODELS[row] for row in ("m0", "m1", "m2"))  # M3 takes another segmenter's masks besides
NOISE = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)  # shares of pixels set to 0 at test (Fig. 3)


def _base(profile: Profile, folder: Path, network: VideoNetwork, seed: int) -> Experiment:
    """A network with one linear layer, under EchoNet-Dynamic's schedule, which the paper says it follows."""
    return ef_experiment(profile, folder, network, seed, clips=profile.attention)


def _anchored(
    profile: Profile, folder: Path, name: str, seed: int, task: type[AnchorEF] = AnchorEF, **fields: Any
) -> Experiment:
    """Anchors on the same network, clips and schedule; fields: single settings of the task."""
    parents = {"pseudo_labels": pseudo_labels_experiment(profile, folder)} if task is SemanticEF else {}
    return Experiment(
        name=f"tca-{name}-seed{seed}",
        task=task(**(ef_task(profile, NETWORK, profile.attention).model_dump() | fields)),
        data=(echonet_selection(profile, folder),),
        schedule=ef_schedule(profile, profile.attention),
        seed=seed,
        parents=parents,
    )


def pseudo_labels_experiment(profile: Profile, folder: Path) -> Experiment:
    """Masks of every training frame by the DeepLabV3 that the study trains on the traced frames."""
    return Experiment(
        name="tca-pseudo-labels",
        task=PseudoLabels(size=profile.attention.size),
        data=(echonet_selection(profile, folder),),
        schedule=Schedule(epochs=0, batch_size=1, optimiser="sgd", learning_rate=1),
        parents={"segmenter": segmentation_experiment(profile, folder)},
    )


def ablation_experiments(profile: Profile, folder: Path) -> dict[str, list[Experiment]]:
    """Table 2 by row, for each compared seed."""
    seeds = profile.compared_seeds
    return {
        "m0": [_base(profile, folder, NETWORK, seed) for seed in seeds],
        "m1": [_anchored(profile, folder, "m1", seed) for seed in seeds],
        "m2": [_anchored(profile, folder, "m2", seed, TCAEF) for seed in seeds],
        "m3": [_anchored(profile, folder, "m3", seed, SemanticEF) for seed in seeds],
    }


def comparison_experiments(profile: Profile, folder: Path) -> dict[str, list[Experiment]]:
    """Table 1 by row: three networks and the beat-to-beat system under one protocol, and M3."""
    ablation = ablation_experiments(profile, folder)
    base, seeds = ablation["m0"], profile.seeds
    return {
        "mc3": [_base(profile, folder, "mc3_18", seed) for seed in seeds],
        "r3d": [_base(profile, folder, "r3d_18", seed) for seed in seeds],
        "r2plus1d": base,
        "echonet_dynamic": [beat_to_beat_experiment(profile, folder, ef=ef) for ef in base[: len(seeds)]],
        "ours": ablation["m3"],
    }


def attention_experiments(profile: Profile, folder: Path) -> dict[str, list[Experiment]]:
    """Table 3 by row: three kinds of attention at the same places, with anchors; ME with both published gates."""
    variants = {
        "se": (SEEF, {}),
        "me": (MEEF, {}),
        "me_released": (MEEF, {"gate": "released"}),
    }
    rows = {
        row: [_anchored(profile, folder, row.replace("_", "-"), seed, task, **fields) for seed in profile.seeds]
        for row, (task, fields) in variants.items()
    }
    return rows | {"tca": ablation_experiments(profile, folder)["m2"]}


def sweep_experiments(profile: Profile, folder: Path) -> Rows:
    """Beyond the paper, at the first seed, by title: where TCA stands, and over how many frames it compares."""
    first = profile.compared_seeds[0]
    variants: dict[str, dict[str, Any]] = {
        "after stages 1 and 2": {"stages": ("layer1", "layer2")},
        "window of 5 frames": {"window": 5},
    }
    if profile.attention.blocks > 1:  # with one block a stage, it ends where the stage does
        variants["after every block"] = {"insert_after": "block"}
    return {"after stages 1 to 4": [_anchored(profile, folder, "m2", first, TCAEF)]} | {
        title: [_anchored(profile, folder, f"m2-{title.replace(' ', '-')}", first, TCAEF, **fields)]
        for title, fields in variants.items()
    }


def titled(
    experiments: Callable[[Profile, Path], Mapping[str, Sequence[Experiment]]], titles: Mapping[str, str], setup: Setup
) -> Rows:
    """The rows of one of the paper's tables, by title."""
    by_row = experiments(setup.profile, setup.folder("echonet_dynamic"))
    return {titles[row]: of_row for row, of_row in by_row.items()}


ablation = partial(titled, ablation_experiments, MODELS)  # Table 2
comparison = partial(titled, comparison_experiments, SYSTEMS)  # Table 1
attention = partial(titled, attention_experiments, ATTENTION)  # Table 3


def pseudo_labels(setup: Setup) -> Rows:
    """The masks that M3 learns from."""
    return {"pseudo-labels": [pseudo_labels_experiment(setup.profile, setup.folder("echonet_dynamic"))]}


def anchored(setup: Setup) -> Rows:
    """The models of Table 2 whose anchors give class activation maps."""
    by_title = ablation(setup)
    return {MODELS[row]: by_title[MODELS[row]] for row in ("m1", "m2", "m3")}


def ablation_and_se(setup: Setup) -> Rows:
    """The models of Table 2, and SE beside them."""
    return {**ablation(setup), ATTENTION["se"]: attention(setup)[ATTENTION["se"]]}


def sweep(setup: Setup) -> Rows:
    """TCA at other places and over more frames."""
    return sweep_experiments(setup.profile, setup.folder("echonet_dynamic"))


def first_seed_of(models: Sequence[str], setup: Setup) -> Rows:
    """The first seed of some of `MODELS`, by title."""
    by_title = ablation(setup)
    return {MODELS[model]: by_title[MODELS[model]][:1] for model in models}
