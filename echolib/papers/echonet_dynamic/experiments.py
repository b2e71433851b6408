"""EchoNet-Dynamic (Ouyang et al., Nature 580, 2020), the base system of all four papers.

EF from one clip by three video networks, segmentation of traced frames by DeepLabV3, and EF averaged over the beats
that the segmentation finds. Values in comments name where the published code or the paper's Methods state them.
"""

from pathlib import Path

from echolib.data.selection import DataSelection
from echolib.engine.experiment import Experiment
from echolib.engine.schedule import NOT_TRAINED, Schedule
from echolib.models.video import VideoNetwork
from echolib.papers.profiles import PROFILES
from echolib.papers.sizes import ClipSizes, ImageSizes, Profile
from echolib.phantom.splits import expected_training
from echolib.tasks.beat_to_beat import BeatToBeat
from echolib.tasks.ef_from_clips import FULL_SIZE
from echolib.tasks.ef_regression import EFRegression
from echolib.tasks.segmentation import Segmentation

NETWORKS: dict[VideoNetwork, str] = {"r2plus1d_18": "R(2+1)D-18", "r3d_18": "R3D-18", "mc3_18": "MC3-18"}


def expected_people(profile: Profile, dataset: str) -> int:
    """Training videos or patients of the profile's phantom."""
    return expected_training(dataset, profile.phantom.get(dataset, 0))


def echonet_selection(profile: Profile, folder: Path) -> DataSelection:
    """EchoNet-Dynamic, or its phantom. A handful of the real videos are larger and brought to 112 px."""
    expected = expected_people(profile, "echonet_dynamic")
    return DataSelection(dataset="echonet_dynamic", folder=folder, size=(FULL_SIZE, FULL_SIZE), expected=expected)


def camus_selection(profile: Profile, folder: Path) -> DataSelection:
    """CAMUS four-chamber images, or the phantom's, letterboxed to the profile's square."""
    size = (profile.camus_stored, profile.camus_stored)
    return DataSelection(dataset="camus", folder=folder, size=size, expected=expected_people(profile, "camus"))


def head_scale(profile: Profile) -> float:
    """Percent points of EF per unit of the heads that learn little in a short training of AdamW without one: EchoMEN's
    experts, EchoCoTr's, the Bayesian network's. The plain network's learns its scale, in every profile as published."""
    return 1.0 if profile.published_schedules else 12.0


def ef_schedule(profile: Profile, clips: ClipSizes | None = None) -> Schedule:
    """The published one, or AdamW with a one-cycle rate where the networks start from random weights."""
    clips = clips or profile.clips
    sizes = {"epochs": clips.epochs, "batch_size": clips.batch_size}
    if profile.published_schedules:
        # SGD 1e-4, momentum .9, weight decay 1e-4, a tenth every 15 of 45 epochs, batches of 20 (published script)
        return Schedule(**sizes, optimiser="sgd", learning_rate=1e-4, weight_decay=1e-4, decay="step", decay_every=15)
    rate = 3e-3 if clips.width < 32 else 5e-4  # narrow networks bear and need larger steps
    return Schedule(**sizes, optimiser="adamw", learning_rate=rate, weight_decay=1e-2, decay="one_cycle")


def ef_task(profile: Profile, network: VideoNetwork, clips: ClipSizes | None = None) -> EFRegression:
    """EF regression by one of the three networks, on the profile's clips or on others."""
    clips = clips or profile.clips
    return EFRegression(
        network=network,
        width=clips.width,
        blocks=clips.blocks,
        weights="kinetics" if profile.weights else "none",
        clip_length=clips.length,  # 32 frames
        clip_period=clips.period,  # every second one
        clip_size=clips.size,
        test_stride=clips.test_stride,
    )


def ef_experiment(
    profile: Profile,
    folder: Path,
    network: VideoNetwork,
    seed: int,
    *,
    clips: ClipSizes | None = None,
    schedule: Schedule | None = None,
) -> Experiment:
    """EF by squared error alone. It is one experiment for every table in which it stands with these clips and schedule
    (default the profile's)."""
    task, schedule = ef_task(profile, network, clips), schedule or ef_schedule(profile, clips)
    return Experiment(
        name=f"ef-{network}-{task.clip_size}px-{schedule.epochs}epochs-seed{seed}",
        task=task,
        data=(echonet_selection(profile, folder),),
        schedule=schedule,
        seed=seed,
    )


def _protocol(profile: Profile, clips: ClipSizes) -> tuple[str, ...]:
    """How a profile trains the base system, a phrase for each thing that profiles do differently."""
    schedule, task = ef_schedule(profile, clips), ef_task(profile, "r2plus1d_18", clips)
    optimiser = {"sgd": "SGD", "adamw": "AdamW"}[schedule.optimiser]
    decay = {"step": "in steps of a tenth", "one_cycle": "with a one-cycle rate"}[schedule.decay]
    return (
        f"{optimiser} at {schedule.learning_rate:g} {decay}",
        "Kinetics weights" if task.weights == "kinetics" else "random weights",
        f"{task.clip_length} frames at period {task.clip_period}",
        f"{task.clip_size} px",
        f"{task.width} channels and {task.blocks} blocks a stage",
    )


def protocol_note(profile: Profile, clips: ClipSizes | None = None) -> str:
    """One sentence on what a profile does otherwise than the published protocol, "" where nothing: it belongs beside
    published numbers. clips: those of the table, default the profile's."""
    published = PROFILES["paper"]
    both = zip(_protocol(profile, clips or profile.clips), _protocol(published, published.clips), strict=True)
    differing = [(ours, published) for ours, published in both if ours != published]
    if not differing:
        return ""
    ours, published = (", ".join(phrases) for phrases in zip(*differing, strict=True))
    return f"Trained with {ours}; published: {published}."


def ef_experiments(profile: Profile, folder: Path, network: VideoNetwork) -> list[Experiment]:
    """EF by one of the three networks, one experiment for each seed."""
    return [ef_experiment(profile, folder, network, seed) for seed in profile.seeds]


def _segmentation_schedule(profile: Profile, sizes: ImageSizes) -> Schedule:
    common = {"epochs": sizes.epochs, "batch_size": sizes.batch_size}
    if profile.published_schedules:
        # SGD 1e-5 on the summed cross-entropy, momentum .9, 50 epochs, batches of 20 (published script)
        return Schedule(**common, optimiser="sgd", learning_rate=1e-5)
    return Schedule(**common, optimiser="adamw", learning_rate=3e-3, weight_decay=1e-4, decay="one_cycle")


def segmentation_experiment(profile: Profile, folder: Path, seed: int = 0) -> Experiment:
    """DeepLabV3 on the traced ED and ES frames; what rests on its masks takes those of the first seed."""
    task = Segmentation(
        network="deeplabv3_resnet50",
        width=profile.frames.width,
        weights="imagenet" if profile.weights else "none",
        size=profile.frames.size,
        objective="bce_sum",  # the published script's, in every profile
    )
    selection, schedule = echonet_selection(profile, folder), _segmentation_schedule(profile, profile.frames)
    return Experiment(name=f"echonet-deeplabv3-seed{seed}", task=task, data=(selection,), schedule=schedule, seed=seed)


def beat_to_beat_experiment(profile: Profile, folder: Path, ef: Experiment | None = None) -> Experiment:
    """R(2+1)D-18, or another EF experiment, averaged over the beats that DeepLabV3 finds."""
    ef = ef or ef_experiments(profile, folder, "r2plus1d_18")[0]
    return Experiment(
        name=f"beat-to-beat-{ef.name}",
        task=BeatToBeat(),
        data=(echonet_selection(profile, folder),),
        schedule=NOT_TRAINED,
        parents={"ef": ef, "segmenter": segmentation_experiment(profile, folder)},
    )


def camus_experiment(profile: Profile, folder: Path, seed: int = 0) -> Experiment:
    """U-Net on CAMUS ED and ES images: ventricle, epicardium and atrium. Ours, at the official split."""
    task = Segmentation(
        network="unet",
        width=profile.camus.width,
        structures=("lv", "epicardium", "atrium"),
        size=profile.camus.size,
        objective="bce_dice",
    )
    sizes = {"epochs": profile.camus.epochs, "batch_size": profile.camus.batch_size}
    schedule = Schedule(**sizes, optimiser="adamw", learning_rate=3e-3, weight_decay=1e-4, decay="one_cycle")
    return Experiment(
        name=f"camus-unet-seed{seed}",
        task=task,
        data=(camus_selection(profile, folder),),
        schedule=schedule,
        seed=seed,
    )
