"""EchoMEN (Lai et al., MICCAI 2024): EF under label imbalance, in two stages, beside its rivals.

Stage 1 trains the encoder with squared error and a label-distance weighted contrastive loss, stage 2 trains experts and
an aggregator on the frozen encoder. Where the paper and the authors' released scripts differ, `Settings` names both.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from echolib.data.readers.echonet_dynamic import EchoNetDynamic
from echolib.engine.experiment import Experiment
from echolib.engine.task import Frozen
from echolib.engine.training import Schedule
from echolib.models.narrow import scaled
from echolib.papers.echonet_dynamic.experiments import base_experiment, compared_schedule, echonet_source, ef_task
from echolib.papers.profiles import Profile
from echolib.tasks.contrastive_ef import ContrastiveEF
from echolib.tasks.ef_regression import EFRegression
from echolib.tasks.imbalanced_ef import BalancedEF, FocalEF, RankSimEF, WeightedEF
from echolib.tasks.multi_expert import MultiExpertEF

NETWORK = "r2plus1d_18"  # Sec. 3.2
FEATURES = 512


class Settings(Frozen):
    """What the paper and the released scripts say differently."""

    strength: float  # lambda
    reduction: Literal["sum", "mean"]  # over anchors
    distance: Literal["l1", "mid_rank"]
    temperature: float
    denominator: Literal["negatives", "all"] | None  # of Eq. 1, where the notebooks' own choice is not asked for
    bin_width: float  # EF points within which labels are positives
    form: Literal["printed", "released"]  # of Eq. 4
    epochs: int
    decay_every: int
    expert_decay_every: int


SETTINGS = {
    # Sec. 3.2; Eq. 1 is a sum; no temperature is printed (0.1 as in supervised contrastive learning)
    "printed": Settings(
        strength=0.5, reduction="sum", distance="l1", temperature=0.1, denominator=None, bin_width=1.0, form="printed",
        epochs=40, decay_every=10, expert_decay_every=10,
    ),
    # The scripts' constants. Their loss file is not public; AdaCon's, which they follow line by line, divides
    # similarities by a temperature of 1 / 150 (temperature 1, scale factor 150) and takes mid-ranks and all others.
    "released": Settings(
        strength=0.75, reduction="mean", distance="mid_rank", temperature=1 / 150, denominator="all", bin_width=0.05,
        form="released",
        epochs=45, decay_every=15, expert_decay_every=5,
    ),
}  # fmt: skip

METHODS = {
    "sqinv": "SQINV",
    "dir": "DIR",
    "focal_r": "FOCAL-R",
    "ranksim": "RANKSIM",
    "echonet": "ECHONET",
    "balanced_mse": "Balanced MSE",
    "rank_n_contrast": "Rank-N-Contrast",
    "echomen": "ECHOMEN",
}
COMPARED = ("echonet", "dir", "echomen")  # the methods that the paper's claims and Fig. 1(c) set against each other
ABLATION = {
    "without_ldw_supcon": "w/o LDW-SupCon",
    "without_multiple_experts": "w/o multiple experts",
    "without_reweighting": "w/o re-weighting",
    "without_aggregator": "w/o aggregator",
    "echomen": "EchoMEN",
}


def encoder_schedule(profile: Profile, settings: Settings) -> Schedule:
    """Stage 1, and every rival."""
    schedule = compared_schedule(profile)
    if profile.published_schedules:
        return schedule.model_copy(update={"epochs": settings.epochs, "decay_every": settings.decay_every})
    return schedule


def expert_schedule(profile: Profile, settings: Settings) -> Schedule:
    """Stage 2: 20 epochs in batches of 20; SGD at 1e-4 without momentum where the published schedules are kept."""
    if profile.published_schedules:
        decay = {"decay": "step", "decay_every": settings.expert_decay_every}
        return Schedule(epochs=20, batch_size=20, optimiser="sgd", learning_rate=1e-4, momentum=0.0, **decay)
    sizes = {"epochs": profile.expert_epochs, "batch_size": 64}
    return Schedule(**sizes, optimiser="adamw", learning_rate=3e-3, weight_decay=1e-2, decay="one_cycle")


def _task(profile: Profile, kind: type[EFRegression], **fields: Any) -> EFRegression:
    """A remedy for imbalance on the base system's network, clips and head."""
    return kind(**(ef_task(profile, NETWORK).model_dump(exclude={"kind"}) | fields))


def contrastive_task(profile: Profile, settings: Settings, **fields: Any) -> ContrastiveEF:
    """Stage 1 (Sec. 2.1)."""
    chosen = settings.model_dump(include={"strength", "reduction", "distance", "temperature", "bin_width"})
    return _task(profile, ContrastiveEF, **(chosen | fields))


def _rivals(profile: Profile, settings: Settings) -> dict[str, Callable[[], EFRegression]]:
    return {
        "sqinv": lambda: _task(profile, WeightedEF, weighting="sqinv"),
        "dir": lambda: _task(profile, WeightedEF, weighting="lds", smooth_features=True),
        "focal_r": lambda: _task(profile, FocalEF),
        "ranksim": lambda: _task(profile, RankSimEF),
        "balanced_mse": lambda: _task(profile, BalancedEF),
        "rank_n_contrast": lambda: contrastive_task(
            profile, settings, contrast="rank_n_contrast", strength=1.0, temperature=2.0
        ),
    }


def _encoder(profile: Profile, folder: Path, name: str, task: EFRegression, settings: Settings, seed: int):
    return Experiment(
        name=f"imbalance-{name}-seed{seed}",
        task=task,
        data=(echonet_source(profile, folder),),
        schedule=encoder_schedule(profile, settings),
        seed=seed,
    )


def seeds_of(profile: Profile, method: str) -> tuple[int, ...]:
    """More seeds for the methods that are compared."""
    return profile.compared_seeds if method in COMPARED else profile.seeds


def rival_experiments(profile: Profile, folder: Path, method: str, settings: str = "printed") -> list[Experiment]:
    """One method of Table 1 that is a loss on the common encoder, for each of its seeds."""
    chosen = SETTINGS[settings]
    seeds = seeds_of(profile, method)
    if method == "echonet":
        schedule = encoder_schedule(profile, chosen)
        return [base_experiment(profile, folder, NETWORK, seed, schedule) for seed in seeds]
    task = _rivals(profile, chosen)[method]()
    return [_encoder(profile, folder, method.replace("_", "-"), task, chosen, seed) for seed in seeds]


def stage1_experiment(
    profile: Profile,
    folder: Path,
    seed: int,
    settings: str = "printed",
    denominator: Literal["negatives", "all"] = "negatives",
    **fields: Any,
) -> Experiment:
    """EchoMEN's encoder; fields change single settings of the task (contrast, strength, ...).

    The released settings come with a denominator of their own.
    """
    chosen = SETTINGS[settings]
    task = contrastive_task(profile, chosen, denominator=chosen.denominator or denominator, **fields)
    name = "supcon" if task.contrast == "supcon" else f"ldw-supcon-lambda{task.strength:g}"
    return _encoder(profile, folder, name, task, chosen, seed)


def stage2_experiment(profile: Profile, encoder: Experiment, settings: str = "printed", **fields: Any) -> Experiment:
    """Experts and aggregator on a trained encoder; fields change single settings (experts, diversity, ...)."""
    chosen = SETTINGS[settings]
    task = MultiExpertEF(
        **(
            {
                "experts": 3,  # the released scripts; the paper leaves M open
                "form": chosen.form,
                "clips": profile.expert_clips,
                "features": scaled(FEATURES, encoder.task.width),
                "hidden": scaled(128, encoder.task.width),
                "spread": encoder.task.spread,
            }
            | fields
        )
    )
    trained_with = encoder.name.removeprefix("imbalance-").rsplit("-seed", 1)[0]
    return Experiment(
        name=f"experts{task.experts}-{task.diversity}-on-{trained_with}-seed{encoder.seed}",
        task=task,
        data=encoder.data,
        schedule=expert_schedule(profile, chosen),
        seed=encoder.seed,
        parents={"encoder": encoder},
    )


def echomen_experiments(
    profile: Profile,
    folder: Path,
    settings: str = "printed",
    denominator: Literal["negatives", "all"] = "negatives",
    **fields: Any,
) -> list[Experiment]:
    """EchoMEN whole, for each compared seed; fields change stage 2."""
    return [
        stage2_experiment(profile, stage1_experiment(profile, folder, seed, settings, denominator), settings, **fields)
        for seed in profile.compared_seeds
    ]


def ablation_experiments(
    profile: Profile,
    folder: Path,
    settings: str = "printed",
    denominator: Literal["negatives", "all"] = "negatives",
) -> dict[str, list[Experiment]]:
    """Table 2 by row. "without_aggregator" is the mean of the full model's experts, which its aggregator does not
    reach: it needs no training of its own."""

    def stage2(seed: int, first: dict[str, Any], **second: Any) -> Experiment:
        encoder = stage1_experiment(profile, folder, seed, settings, denominator, **first)
        return stage2_experiment(profile, encoder, settings, **second)

    seeds = profile.compared_seeds
    full = [stage2(seed, {}) for seed in seeds]
    return {
        "without_ldw_supcon": [stage2(seed, {"contrast": "supcon"}) for seed in seeds],
        "without_multiple_experts": [stage2(seed, {}, experts=1) for seed in seeds],
        "without_reweighting": [stage2(seed, {}, diversity="subsets") for seed in seeds],
        "without_aggregator": full,
        "echomen": full,
    }


def sweep_experiments(
    profile: Profile, folder: Path, settings: str = "printed", denominator: Literal["negatives", "all"] = "negatives"
) -> dict[str, list[Experiment]]:
    """Beyond the paper: the number of experts at each compared seed, and lambda at the first."""
    encoders = [stage1_experiment(profile, folder, seed, settings, denominator) for seed in profile.compared_seeds]
    experts = [
        stage2_experiment(profile, encoder, settings, experts=count) for count in (1, 2, 3, 5) for encoder in encoders
    ]
    first = profile.compared_seeds[0]
    strengths = [
        stage1_experiment(profile, folder, first, settings, denominator, strength=strength)
        if strength
        else rival_experiments(profile, folder, "echonet", settings)[0]  # squared error alone
        for strength in profile.strengths
    ]
    return {"experts": experts, "lambda": [stage2_experiment(profile, each, settings) for each in strengths]}


def weights_by_expert(folder: Path, task: MultiExpertEF) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """EF (videos,) of the training videos, and their weight (videos,) in the loss of each exponent's expert."""
    videos = EchoNetDynamic(folder).videos
    ef = videos.loc[(videos["split"] == "train") & (videos["traced"] >= 2), "ef_percent"].to_numpy()
    weights = task.expert_weights(torch.as_tensor(ef, dtype=torch.float32)).numpy()
    powers = [m / max(task.experts - 1, 1) for m in range(task.experts)]
    return ef, {f"p = {power:.2g}": weights[:, m] for m, power in enumerate(powers)}


def planned(profile: Profile, folder: Path) -> dict[str, list[Experiment]]:
    """The experiments behind each notebook, as the notebooks' own parameters ask for them."""
    stage1 = [stage1_experiment(profile, folder, seed) for seed in profile.compared_seeds]
    sweeps = sweep_experiments(profile, folder)
    rivals = [each for method in METHODS if method != "echomen" for each in rival_experiments(profile, folder, method)]
    ablation = [each for row in ablation_experiments(profile, folder).values() for each in row]
    return {
        "20_echomen_stage1": [*rival_experiments(profile, folder, "echonet"), *stage1],
        "21_echomen_stage2": [*echomen_experiments(profile, folder), *sweeps["experts"]],
        "22_echomen_comparison": [*rivals, *echomen_experiments(profile, folder)],
        "23_echomen_ablation": [*ablation, *sweeps["lambda"]],
    }
