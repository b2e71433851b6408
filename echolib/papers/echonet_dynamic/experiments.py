"""EchoNet-Dynamic (Ouyang et al., Nature 580, 2020), the base system of all four papers.

EF from one clip by three video networks, segmentation of traced frames by DeepLabV3, and EF averaged over the beats
that the segmentation finds. Values in comments name where the published code or the paper's Methods state them.
"""

from pathlib import Path

from echolib.data.selection import DataSelection
from echolib.engine.experiment import Experiment
from echolib.engine.schedule import NOT_TRAINED, Schedule
from echolib.models.video import VideoNetwork
from echolib.papers.profiles import ImageSizes, Profile
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


def ef_schedule(profile: Profile) -> Schedule:
    """The published one, or AdamW with a one-cycle rate where the networks start from random weights."""
    sizes = {"epochs": profile.clips.epochs, "batch_size": profile.clips.batch_size}
    if profile.published_schedules:
        # SGD 1e-4, momentum .9, weight decay 1e-4, a tenth every 15 of 45 epochs, batches of 20 (published script)
        return Schedule(**sizes, optimiser="sgd", learning_rate=1e-4, weight_decay=1e-4, decay="step", decay_every=15)
    rate = 3e-3 if profile.clips.width < 32 else 5e-4  # narrow networks bear and need larger steps
    return Schedule(**sizes, optimiser="adamw", learning_rate=rate, weight_decay=1e-2, decay="one_cycle")


def ef_task(profile: Profile, network: VideoNetwork) -> EFRegression:
    """EF regression by one of the three networks at the profile's sizes."""
    return EFRegression(
        network=network,
        width=profile.clips.width,
        blocks=profile.clips.blocks,
        weights="kinetics" if profile.weights else "none",
        ef_scale=1.0 if profile.published_schedules else 12.0,  # the published head learns its scale with SGD
        clip_length=profile.clips.length,  # 32 frames
        clip_period=profile.clips.period,  # every second one
        clip_size=profile.clips.size,
        test_stride=profile.clips.test_stride,
    )


def ef_experiments(profile: Profile, folder: Path, network: VideoNetwork) -> list[Experiment]:
    """EF by one of the three networks, one experiment for each seed."""
    task, selection, schedule = ef_task(profile, network), echonet_selection(profile, folder), ef_schedule(profile)
    return [
        Experiment(name=f"echonet-{network}-seed{seed}", task=task, data=(selection,), schedule=schedule, seed=seed)
        for seed in profile.seeds
    ]


def compared_schedule(profile: Profile) -> Schedule:
    """Of the many EF trainings that a table of another paper compares: shorter, where schedules are ours."""
    schedule = ef_schedule(profile)
    return schedule if profile.published_schedules else schedule.model_copy(update={"epochs": profile.compared_epochs})


def base_experiment(profile: Profile, folder: Path, network: VideoNetwork, seed: int, schedule: Schedule) -> Experiment:
    """EF by squared error alone, under the schedule of the tables in which it is the base."""
    task, selection = ef_task(profile, network), echonet_selection(profile, folder)
    return Experiment(name=f"base-{network}-seed{seed}", task=task, data=(selection,), schedule=schedule, seed=seed)


def _segmentation_schedule(profile: Profile, sizes: ImageSizes) -> Schedule:
    common = {"epochs": sizes.epochs, "batch_size": sizes.batch_size}
    if profile.published_schedules:
        # SGD 1e-5 on the summed cross-entropy, momentum .9, 50 epochs, batches of 20 (published script)
        return Schedule(**common, optimiser="sgd", learning_rate=1e-5)
    return Schedule(**common, optimiser="adamw", learning_rate=3e-3, weight_decay=1e-4, decay="one_cycle")


def segmentation_experiment(profile: Profile, folder: Path) -> Experiment:
    """DeepLabV3 on the traced ED and ES frames."""
    task = Segmentation(
        network="deeplabv3_resnet50",
        width=profile.frames.width,
        weights="imagenet" if profile.weights else "none",
        size=profile.frames.size,
        objective="bce_sum" if profile.published_schedules else "bce_dice",
    )
    selection, schedule = echonet_selection(profile, folder), _segmentation_schedule(profile, profile.frames)
    return Experiment(name="echonet-deeplabv3", task=task, data=(selection,), schedule=schedule)


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


def camus_experiment(profile: Profile, folder: Path) -> Experiment:
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
    return Experiment(name="camus-unet", task=task, data=(camus_selection(profile, folder),), schedule=schedule)
