"""EchoMEN (Lai et al., MICCAI 2024): EF under label imbalance, in two stages, beside its rivals.

Stage 1 trains the encoder with squared error and a label-distance weighted contrastive loss, stage 2 trains experts and
an aggregator on the frozen encoder. Where the paper and the authors' released scripts differ, `Settings` names both.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

from echolib.engine.experiment import Experiment
from echolib.engine.schedule import Schedule
from echolib.frozen import Frozen
from echolib.models.width import scaled_channels
from echolib.papers.echonet_dynamic.experiments import (
    echonet_selection,
    ef_experiment,
    ef_schedule,
    ef_task,
    head_scale,
)
from echolib.papers.exhibits import Setup
from echolib.papers.sizes import Profile
from echolib.tasks.balanced_ef import BalancedEF
from echolib.tasks.distribution_smoothing_ef import DistributionSmoothingEF
from echolib.tasks.focal_ef import FocalEF
from echolib.tasks.inverse_frequency_ef import InverseFrequencyEF
from echolib.tasks.ldw_supcon_ef import LDWSupConEF
from echolib.tasks.multi_expert import MultiExpertEF
from echolib.tasks.rank_n_contrast_ef import RankNContrastEF
from echolib.tasks.ranksim_ef import RankSimEF
from echolib.tasks.video_ef import VideoEF

Denominator = Literal["negatives", "all"]  # of Eq. 1: Q(i), or all other samples as in the preprint
NETWORK = "r2plus1d_18"  # Sec. 3.2
FEATURES = 512
PRINTED_SCALE = 100.0  # EF points that make d_ij 1 in Eq. 2: EF as a fraction


class Settings(Frozen):
    """What the paper and the released scripts say differently."""

    contrast_weight: float  # lambda
    reduction: Literal["sum", "mean"]  # over anchors
    distance: Literal["l1", "mid_rank"]
    label_scale: float  # EF points that make a distance of 1; ranks have a scale of their own
    temperature: float
    denominator: Denominator | None  # where the notebooks' own choice is not asked for
    bin_width: float  # EF points within which labels are positives
    form: Literal["printed", "released"]  # of Eq. 4
    epochs: int
    decay_every: int
    expert_decay_every: int


SETTINGS = {
    # Sec. 3.2; Eq. 1 is a sum; no temperature is printed (0.1 as in supervised contrastive learning)
    "printed": Settings(
        contrast_weight=0.5, reduction="sum", distance="l1", label_scale=PRINTED_SCALE, temperature=0.1,
        denominator=None, bin_width=1.0, form="printed",
        epochs=40, decay_every=10, expert_decay_every=10,
    ),
    # The scripts' constants. Their loss file is not public; AdaCon's, which they follow line by line, divides
    # similarities by a temperature of 1 / 150 (temperature 1, scale factor 150) and takes mid-ranks and all others.
    "released": Settings(
        contrast_weight=0.75, reduction="mean", distance="mid_rank", label_scale=PRINTED_SCALE, temperature=1 / 150,
        denominator="all", bin_width=0.05, form="released",
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
    schedule = ef_schedule(profile)
    if profile.published_schedules:
        return schedule.model_copy(update={"epochs": settings.epochs, "decay_every": settings.decay_every})
    return schedule


def expert_schedule(profile: Profile, settings: Settings) -> Schedule:
    """Stage 2: 20 epochs in batches of 20; SGD at 1e-4 without momentum where the published schedules are kept."""
    if profile.published_schedules:
        return Schedule(
            epochs=20, batch_size=20, optimiser="sgd", learning_rate=1e-4, momentum=0.0,
            decay="step", decay_every=settings.expert_decay_every,
        )  # fmt: skip
    sizes = {"epochs": profile.expert_epochs, "batch_size": 64}
    return Schedule(**sizes, optimiser="adamw", learning_rate=3e-3, weight_decay=1e-2, decay="one_cycle")


Remedy = TypeVar("Remedy", bound=VideoEF)


def _task(profile: Profile, kind: type[Remedy], **fields: Any) -> Remedy:
    """A remedy for imbalance on the base system's network, clips and head."""
    return kind(**(ef_task(profile, NETWORK).model_dump() | fields))


def contrast_fields(settings: Settings) -> dict[str, Any]:
    """What the settings say of the contrastive loss."""
    shared = {"contrast_weight", "reduction", "distance", "label_scale", "temperature", "bin_width"}
    return settings.model_dump(include=shared)


def contrastive_task(profile: Profile, settings: Settings, **fields: Any) -> LDWSupConEF:
    """Stage 1 (Sec. 2.1)."""
    return _task(profile, LDWSupConEF, **(contrast_fields(settings) | fields))


RIVALS = {
    "sqinv": InverseFrequencyEF,
    "dir": DistributionSmoothingEF,
    "focal_r": FocalEF,
    "ranksim": RankSimEF,
    "balanced_mse": BalancedEF,
    "rank_n_contrast": RankNContrastEF,
}


def _encoder(profile: Profile, folder: Path, name: str, task: VideoEF, settings: Settings, seed: int) -> Experiment:
    return Experiment(
        name=f"imbalance-{name}-seed{seed}",
        task=task,
        data=(echonet_selection(profile, folder),),
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
        return [ef_experiment(profile, folder, NETWORK, seed, schedule=schedule) for seed in seeds]
    task = _task(profile, RIVALS[method])
    return [_encoder(profile, folder, method.replace("_", "-"), task, chosen, seed) for seed in seeds]


def stage1_experiment(
    profile: Profile,
    folder: Path,
    seed: int,
    settings: str = "printed",
    denominator: Denominator = "negatives",
    **fields: Any,
) -> Experiment:
    """EchoMEN's encoder; fields change single settings of the task (contrast_weight, label_scale, ...).

    distance="none" is the ablation: all as it is but the weights of Eq. 2, which are 1. The released settings come with
    a denominator of their own.
    """
    chosen = SETTINGS[settings]
    task = contrastive_task(profile, chosen, denominator=chosen.denominator or denominator, **fields)
    return _encoder(profile, folder, _contrast_name(task), task, chosen, seed)


def _contrast_name(task: LDWSupConEF) -> str:
    """Of an encoder: its loss, lambda, and its label scale where that is not the printed one."""
    loss = "unweighted-supcon" if task.distance == "none" else "ldw-supcon"
    scale = "" if task.label_scale == PRINTED_SCALE else f"-scale{task.label_scale:g}"
    return f"{loss}-lambda{task.contrast_weight:g}{scale}"


def stage2_experiment(profile: Profile, encoder: Experiment, settings: str = "printed", **fields: Any) -> Experiment:
    """Experts and aggregator on a trained encoder; fields change single settings (experts, diversity, ...)."""
    chosen = SETTINGS[settings]
    usual: dict[str, Any] = {
        "experts": 3,  # the released scripts; the paper leaves M open
        "form": chosen.form,
        "clips": profile.expert_clips,
        "features": scaled_channels(FEATURES, encoder.task.width),
        "hidden": scaled_channels(128, encoder.task.width),
        "ef_scale": head_scale(profile),
    }
    task = MultiExpertEF(**(usual | fields))
    trained_with = encoder.name.removeprefix("imbalance-").rsplit("-seed", 1)[0]
    return Experiment(
        name=f"experts{task.experts}-{task.diversity}-on-{trained_with}-seed{encoder.seed}",
        task=task,
        data=encoder.data,
        schedule=expert_schedule(profile, chosen),
        seed=encoder.seed,
        parents={"encoder": encoder},
    )


def stage1_experiments(
    profile: Profile, folder: Path, settings: str = "printed", denominator: Denominator = "negatives", **fields: Any
) -> list[Experiment]:
    """EchoMEN's encoder, for each compared seed; fields as for `stage1_experiment`."""
    return [
        stage1_experiment(profile, folder, seed, settings, denominator, **fields) for seed in profile.compared_seeds
    ]


def stage2_experiments(
    profile: Profile, encoders: Sequence[Experiment], settings: str = "printed", **fields: Any
) -> list[Experiment]:
    """Experts and aggregator on each of several encoders; fields as for `stage2_experiment`."""
    return [stage2_experiment(profile, encoder, settings, **fields) for encoder in encoders]


def echomen_experiments(
    profile: Profile, folder: Path, settings: str = "printed", denominator: Denominator = "negatives"
) -> list[Experiment]:
    """EchoMEN whole, for each compared seed."""
    return stage2_experiments(profile, stage1_experiments(profile, folder, settings, denominator), settings)


def asked(setup: Setup) -> tuple[Profile, Path, str, Denominator]:
    """What `echomen_experiments` takes, as a notebook's parameters have it."""
    denominator = cast(Denominator, setup.choices["denominator"])
    return setup.profile, setup.folder("echonet_dynamic"), str(setup.choices["settings"]), denominator
