"""One network for masks and keypoints of the left ventricle on three datasets ("A unified multi-task learning framework
for automated assessment of left ventricular structure and its systolic function from echocardiography").

Only the abstract is public. It names a shared EfficientNet encoder, a U-Net-style decoder, a head for heat maps, CAMUS,
EchoNet-Dynamic and EchoNet-LVH, three results, and an ablation against single-task models. All else here is ours: the
variant, the losses, the input's size, the schedules, and what "simultaneous" means where no image has both labels.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from echolib.data.selection import Source
from echolib.engine.experiment import Experiment
from echolib.engine.training import Schedule
from echolib.models.multitask import SingleTask
from echolib.papers.echonet_dynamic.experiments import TRAINING_SHARE, camus_source, echonet_source
from echolib.papers.profiles import Profile
from echolib.tasks.multitask import MultiTaskLearning

KEYPOINT_WEIGHT = 10.0  # of the heat maps' squared error beside Dice and cross-entropy
SIGMA = 2.0  # cells of stride 4


class Row(NamedTuple):
    """A row of the ablation: which labels meet in the network, and the one task it is left with, if any."""

    design: Literal["partial", "derived"]
    single_task: SingleTask | None

    @property
    def words(self) -> str:
        """What tables call it."""
        task = {None: "multi-task", "segmentation": "segmentation only", "keypoints": "keypoints only"}
        return f"{task[self.single_task]}, {DESIGNS[self.design]}"


DESIGNS = {"partial": "each label from its dataset", "derived": "keypoints from CAMUS masks"}
ROWS = tuple(Row(design, task) for design in DESIGNS for task in (None, "segmentation", "keypoints"))


def source_of(profile: Profile, folders: Mapping[str, Path], dataset: str) -> Source:
    """CAMUS in both views, so that biplane discs can be stacked, EchoNet-Dynamic, or EchoNet-LVH."""
    if dataset == "camus":
        return camus_source(profile, folders[dataset]).model_copy(update={"views": ("2CH", "4CH")})
    if dataset == "echonet_dynamic":
        return echonet_source(profile, folders[dataset])
    size = (profile.multitask.size, profile.multitask.size)
    expected = round(TRAINING_SHARE * profile.lvh_videos)
    return Source(dataset=dataset, folder=folders[dataset], size=size, expected=expected)


def schedule(profile: Profile) -> Schedule:
    """AdamW with weight decay 1e-4: 3e-4 along a cosine at full width, 3e-2 in one cycle for narrow networks, chosen on
    validation: 1e-2 and less are too slow for the few hundred steps that they get, 4e-2 and more lose the keypoints."""
    sizes = {"epochs": profile.multitask.epochs, "batch_size": profile.multitask.batch_size}
    if profile.multitask.width == 64:
        return Schedule(**sizes, optimiser="adamw", learning_rate=3e-4, weight_decay=1e-4, decay="cosine")
    return Schedule(**sizes, optimiser="adamw", learning_rate=3e-2, weight_decay=1e-4, decay="one_cycle")


def experiment(profile: Profile, folders: Mapping[str, Path], row: Row, seed: int) -> Experiment:
    """One training of a row. All rows see as many images."""
    task = MultiTaskLearning(
        width=profile.multitask.width,
        weights="imagenet" if profile.weights else "none",
        size=profile.multitask.size,
        single_task=row.single_task,
        derived=row.design == "derived",
        keypoint_weight=KEYPOINT_WEIGHT,
        sigma=SIGMA,
        images_per_epoch=profile.multitask.images_per_epoch,
    )
    return Experiment(
        name=f"multitask-{row.design}-{row.single_task or 'both'}-seed{seed}",
        task=task,
        data=tuple(source_of(profile, folders, dataset) for dataset in task.datasets),
        schedule=schedule(profile),
        seed=seed,
    )


def ablation(profile: Profile, folders: Mapping[str, Path]) -> dict[Row, list[Experiment]]:
    """Every row: one experiment a seed."""
    return {row: [experiment(profile, folders, row, seed) for seed in profile.compared_seeds] for row in ROWS}


def planned(profile: Profile, folders: Mapping[str, Path]) -> dict[str, list[Experiment]]:
    """The experiments behind each notebook."""
    return {"40_multitask_ablation": [each for row in ablation(profile, folders).values() for each in row]}
