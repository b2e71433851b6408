"""One network for masks and keypoints of the left ventricle on three datasets ("A unified multi-task learning framework
for automated assessment of left ventricular structure and its systolic function from echocardiography").

Only the abstract is public. It names a shared EfficientNet encoder, a U-Net-style decoder, a head for heat maps, CAMUS,
EchoNet-Dynamic and EchoNet-LVH, three results, and an ablation against single-task models. All else here is ours: the
variant, the losses, the input's size, the schedules, and what "simultaneous" means where no image has both labels.

Every row takes as many optimiser steps, and each step shows each task that the row learns the same number of labels:
a batch of the first design's joint network holds as many images with masks as that of the network for masks alone, and
as many with keypoints as that of the network for keypoints alone.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from echolib.data.selection import DataSelection
from echolib.engine.experiment import Experiment
from echolib.engine.schedule import Schedule
from echolib.models.multitask import SingleTask
from echolib.models.width import FULL_WIDTH
from echolib.papers.echonet_dynamic.experiments import camus_selection, echonet_selection, expected_people
from echolib.papers.exhibits import Rows, Setup
from echolib.papers.sizes import Profile
from echolib.tasks.multitask import MultiTaskLearning

KEYPOINT_WEIGHT = 1.0  # of the heat maps' divergence beside Dice and cross-entropy
SIGMA = 1.5  # cells of stride 4

Design = Literal["partial", "derived"]
DESIGNS: dict[Design, str] = {"partial": "each label from its dataset", "derived": "keypoints from CAMUS masks"}
TASKS: dict[SingleTask | None, str] = {
    None: "multi-task",
    "segmentation": "segmentation only",
    "keypoints": "keypoints only",
}


class Row(NamedTuple):
    """A row of the ablation: which labels meet in the network, and the one task it is left with, if any."""

    design: Design
    single_task: SingleTask | None

    @property
    def title(self) -> str:
        """What tables call it."""
        return f"{TASKS[self.single_task]}, {DESIGNS[self.design]}"

    @property
    def has_masks(self) -> bool:
        """Whether it predicts masks."""
        return self.single_task != "keypoints"

    @property
    def has_keypoints(self) -> bool:
        """Whether it predicts keypoints."""
        return self.single_task != "segmentation"


ROWS = tuple(Row(design, task) for design in DESIGNS for task in TASKS)
JOINT = Row("partial", None)  # the abstract's network
STORY = frozenset((JOINT,))


def lvh_selection(profile: Profile, folder: Path) -> DataSelection:
    """EchoNet-LVH, or its phantom, letterboxed to the input's size."""
    size = (profile.multitask.size, profile.multitask.size)
    expected = expected_people(profile, "echonet_lvh")
    return DataSelection(dataset="echonet_lvh", folder=folder, size=size, expected=expected)


def biplane_selection(profile: Profile, folder: Path) -> DataSelection:
    """CAMUS in both views, so that biplane discs can be stacked."""
    return camus_selection(profile, folder).choosing(views=("2CH", "4CH"))


SELECTIONS = {"camus": biplane_selection, "echonet_dynamic": echonet_selection, "echonet_lvh": lvh_selection}


def schedule(profile: Profile, task: MultiTaskLearning) -> Schedule:
    """As many optimiser steps for every row, with `labels_per_batch` images for each task in a batch; AdamW with weight
    decay 1e-4, along a cosine at full width, in one cycle for narrow networks, which start from random weights."""
    sizes = profile.multitask
    return Schedule(
        epochs=sizes.epochs,
        batch_size=sizes.labels_per_batch * task.images_per_epoch // task.labels_per_epoch,
        optimiser="adamw",
        learning_rate=sizes.rate,
        weight_decay=1e-4,
        decay="cosine" if sizes.width == FULL_WIDTH else "one_cycle",
    )


def experiment(setup: Setup, row: Row, seed: int) -> Experiment:
    """One training of a row. All rows see as many labels of each task that they learn."""
    sizes = setup.profile.multitask
    task = MultiTaskLearning(
        width=sizes.width,
        weights="imagenet" if setup.profile.weights else "none",
        size=sizes.size,
        single_task=row.single_task,
        derived=row.design == "derived",
        keypoint_weight=KEYPOINT_WEIGHT,
        sigma=SIGMA,
        labels_per_epoch=sizes.labels_per_epoch,
    )
    return Experiment(
        name=f"multitask-{row.design}-{row.single_task or 'both'}-seed{seed}",
        task=task,
        data=tuple(SELECTIONS[dataset](setup.profile, setup.folder(dataset)) for dataset in task.datasets),
        schedule=schedule(setup.profile, task),
        seed=seed,
    )


def ablation(setup: Setup, rows: Sequence[Row] = ROWS) -> Rows:
    """Rows of the ablation, one experiment per seed; of the story, which compares nothing, by the first seed."""
    seeds = setup.profile.compared_seeds[: 1 if setup.profile.story_only else None]
    return {row: [experiment(setup, row, seed) for seed in seeds] for row in rows}


def first_seed(setup: Setup, rows: Sequence[Row] = ROWS) -> Rows:
    """Rows of the ablation by their first seed alone: for what shows a network rather than measures it."""
    return {row: [experiment(setup, row, setup.profile.compared_seeds[0])] for row in rows}
