"""Outlines of real patients: a segmenter of our own recipe, cross-validated; the phantom as its teacher; few labels;
masks and keypoints by one network."""

from functools import partial

from echolib.engine.experiment import Experiment
from echolib.engine.schedule import Schedule
from echolib.papers.contrastive.experiments import DATASETS, Start, fine_tuning_experiment, items_per_epoch, parents_of
from echolib.papers.echonet_dynamic.experiments import camus_selection
from echolib.papers.exhibits import Rows, Setup
from echolib.papers.multitask.experiments import Row, experiment
from echolib.papers.real_patients.folds import in_folds
from echolib.papers.sizes import ImageSizes
from echolib.tasks.augmented_segmentation import AugmentedSegmentation
from echolib.tasks.simulated_segmentation import SimulatedSegmentation

STRUCTURES = ("lv", "epicardium", "atrium")
SEGMENTER, PHANTOM_ALONE = "U-Net, augmented", "U-Net, the phantom alone"
FEWEST, ALL = 0.05, 1.0
FEW_LABELS = "5 % of the labels"
TAUGHT = {"random": f"random, {FEW_LABELS}", "phantom": f"phantom, {FEW_LABELS}"}
STARTS = tuple(
    Start(method, where, network)  # type: ignore[arg-type]
    for network in ("deeplabv3", "unet")
    for method, where in (
        ("none", ""),
        ("simclr", "camus"),
        ("simclr", "echonet"),
        ("byol", "camus"),
        ("byol", "echonet"),
    )
)
JOINT, MASKS, POINTS = (Row("derived", task) for task in (None, "segmentation", "keypoints"))


def _fields(sizes: ImageSizes) -> dict:
    return {"network": "unet", "width": sizes.width, "structures": STRUCTURES, "size": sizes.size}


def _schedule(epochs: int, batch_size: int) -> Schedule:
    sizes = {"epochs": epochs, "batch_size": batch_size}
    return Schedule(**sizes, optimiser="adamw", learning_rate=4e-3, weight_decay=1e-2, decay="one_cycle")


def _experiment(setup: Setup, name: str, task: AugmentedSegmentation, schedule: Schedule, seed: int, **parents):
    data = (camus_selection(setup.profile, setup.folder("camus")),)
    return Experiment(name=f"{name}-seed{seed}", task=task, data=data, schedule=schedule, seed=seed, parents=parents)


def segmenter(setup: Setup) -> Rows:
    """All labels, for each seed and fold."""
    sizes = setup.profile.patients.outlines
    task, schedule = AugmentedSegmentation(**_fields(sizes)), _schedule(sizes.epochs, sizes.batch_size)
    of_seeds = [_experiment(setup, "outlines", task, schedule, seed) for seed in setup.profile.patients.outline_seeds]
    return {SEGMENTER: in_folds(of_seeds, setup.profile.patients.folds)}


def _from_phantom(setup: Setup) -> Experiment:
    """Nothing but simulated frames; every patient is a test patient."""
    sizes, patients = setup.profile.patients.outlines, setup.profile.patients
    task = SimulatedSegmentation(**_fields(sizes), frames=patients.simulated_frames)
    passes = max(1, round(patients.phantom_steps * sizes.batch_size / patients.simulated_frames))
    return _experiment(setup, "outlines-of-phantom", task, _schedule(passes, sizes.batch_size), 0)


def phantom_alone(setup: Setup) -> Rows:
    """The segmenter that has seen no patient."""
    return {PHANTOM_ALONE: [_from_phantom(setup)]}


def taught(setup: Setup) -> Rows:
    """With 5 % of the labels, from random weights and from the phantom's, for each draw and fold: equal steps."""
    sizes, few = setup.profile.patients.outlines, setup.profile.contrastive
    fields = _fields(sizes) | {"images_per_epoch": items_per_epoch(few.steps, few.epochs, few.batch_size)}
    schedule = _schedule(few.epochs, few.batch_size)

    def draws(name: str, **parents: Experiment) -> list[Experiment]:
        tasks = {draw: AugmentedSegmentation(**fields, fraction=FEWEST, draw=draw) for draw in few.draws}
        of_draws = [_experiment(setup, name, task, schedule, draw, **parents) for draw, task in tasks.items()]
        return in_folds(of_draws, setup.profile.patients.folds)

    starts = {"random": {}, "phantom": {"segmenter": _from_phantom(setup)}}
    return {TAUGHT[start]: draws(f"outlines-few-{start}", **parents) for start, parents in starts.items()}


def pretrained(setup: Setup) -> Rows:
    """Table 2 of contrastive pretraining at 5 and 100 % of the labels: (start, fraction) -> one experiment for each
    draw and fold."""
    profile, folders = setup.profile, {name: setup.folder(name) for name in DATASETS.values()}
    rows = {}
    for start in STARTS:
        parents = parents_of(profile, folders, start)
        make = partial(fine_tuning_experiment, profile, folders, start, "camus", parents=parents)
        for fraction in (ALL, FEWEST):
            draws = [make(fraction, draw) for draw in profile.contrastive.draws]
            rows[start, fraction] = in_folds(draws, profile.patients.folds)
    return rows


def joint(setup: Setup) -> Rows:
    """Masks and keypoints found in them by one network and by two, for each of three seeds and each fold."""
    seeds = setup.profile.compared_seeds[:3]
    folds = setup.profile.patients.folds
    return {row: in_folds([experiment(setup, row, seed) for seed in seeds], folds) for row in (JOINT, MASKS, POINTS)}
