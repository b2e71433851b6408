"""Contrastive pretraining for echocardiography segmentation with limited data (Saeed, Muhtaseb, Yaqub; MIUA 2022).

Encoders of DeepLabV3 and U-Net are pretrained on frames without labels by SimCLR or BYOL, then the whole network is
fine-tuned on 100, 50, 25 or 5 % of the labels, on EchoNet-Dynamic (Table 1) and CAMUS (Table 2).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from echolib.data.selection import DataSelection
from echolib.engine.experiment import Experiment
from echolib.engine.schedule import Schedule
from echolib.models.segmentation import SegmentationNetwork, rates_at
from echolib.papers.echonet_dynamic.experiments import camus_selection, echonet_selection
from echolib.papers.profiles import PROFILES
from echolib.papers.sizes import Profile
from echolib.tasks.byol import BYOLPretraining
from echolib.tasks.fine_tuning import FineTuning
from echolib.tasks.simclr import SimCLRPretraining

FRACTIONS = (1.0, 0.5, 0.25, 0.05)
NETWORKS: dict[str, SegmentationNetwork] = {"deeplabv3": "deeplabv3_resnet50", "unet": "unet"}
DATASETS = {"camus": "camus", "echonet": "echonet_dynamic"}
SELECTIONS = {"camus": camus_selection, "echonet": echonet_selection}
Method = Literal["none", "imagenet", "simclr", "byol"]


class Start(NamedTuple):
    """A row of Table 1 or 2: the network, what its encoder starts from, and where that was pretrained."""

    method: Method
    pretrained_on: str  # "camus", "echonet" or ""
    network: str

    @property
    def title(self) -> str:
        """As the paper names it: (E) is pretrained on EchoNet-Dynamic, (C) on CAMUS."""
        method = {"none": "random", "imagenet": "ImageNet", "simclr": "SimCLR", "byol": "BYOL"}[self.method]
        where = {"camus": " (C)", "echonet": " (E)", "": ""}[self.pretrained_on]
        return f"{method}{where}, {'DeepLabV3' if self.network == 'deeplabv3' else 'U-Net'}"


Cell = tuple[Start, float]  # a row of the tables at a fraction of the labels
STARTS = {  # the rows of Table 1 ("echonet") and Table 2 ("camus"), in their order
    "echonet": (
        Start("none", "", "deeplabv3"),
        Start("imagenet", "", "deeplabv3"),
        Start("simclr", "echonet", "deeplabv3"),
        Start("byol", "echonet", "deeplabv3"),
        Start("none", "", "unet"),
        Start("simclr", "echonet", "unet"),
        Start("byol", "echonet", "unet"),
    ),
    "camus": (
        Start("none", "", "deeplabv3"),
        Start("imagenet", "", "deeplabv3"),
        Start("simclr", "camus", "deeplabv3"),
        Start("simclr", "echonet", "deeplabv3"),
        Start("byol", "camus", "deeplabv3"),
        Start("byol", "echonet", "deeplabv3"),
        Start("none", "", "unet"),
        Start("simclr", "camus", "unet"),
        Start("simclr", "echonet", "unet"),
        Start("byol", "camus", "unet"),
        Start("byol", "echonet", "unet"),
    ),
}
RELEASED_BYOL = "BYOL (E), ResNet-50 of stride 32 as released"


def selection_of(profile: Profile, folders: Mapping[str, Path], dataset: str) -> DataSelection:
    """EchoNet-Dynamic ("echonet") or CAMUS four-chamber images ("camus")."""
    return SELECTIONS[dataset](profile, folders[DATASETS[dataset]])


def unlabelled_selection(profile: Profile, folders: Mapping[str, Path], dataset: str) -> DataSelection:
    """What is pretrained on: CAMUS sequences where every training patient has one, else the ED and ES images."""
    images = selection_of(profile, folders, dataset)
    if "sequences" not in images.entry.options.model_fields:
        return images
    sequences = images.choosing(sequences=True)
    if not images.is_here:  # a phantom not yet written, which will have them
        return sequences
    have, wanted = (set(chosen.items().query("split == 'train'")["person"]) for chosen in (sequences, images))
    return sequences if have >= wanted else images


def items_per_epoch(steps: int | None, epochs: int, batch_size: int) -> int | None:
    """How many items an epoch sees, so that all epochs together take so many steps; None for each once."""
    return None if steps is None else steps // epochs * batch_size


def pretraining_schedule(profile: Profile, method: str) -> Schedule:
    """300 epochs of Adam: SimCLR at 1e-3 with ten epochs of warm-up and a cosine, BYOL at 0.2 as printed. Elsewhere
    both at 1e-3 with a cosine: a rate of 0.2 does not train a network of another width."""
    sizes = {"epochs": profile.contrastive.pretraining_epochs, "batch_size": profile.contrastive.pretraining_batch}
    if profile.published_schedules and method == "byol":
        return Schedule(**sizes, optimiser="adam", learning_rate=0.2, weight_decay=1.5e-6)
    warmup = 10 if profile.published_schedules else sizes["epochs"] / 10
    return Schedule(
        **sizes, optimiser="adam", learning_rate=1e-3, weight_decay=1e-6, decay="cosine", warmup_epochs=warmup
    )


def pretraining_experiment(
    profile: Profile, folders: Mapping[str, Path], method: str, dataset: str, network: str, dilated: bool = True
) -> Experiment:
    """An encoder pretrained on one dataset; dilated=False is the backbone that the released code gives BYOL."""
    sizes = profile.contrastive
    common: dict[str, Any] = {
        "network": NETWORKS[network],
        "width": sizes.width,
        "size": sizes.size,
        "dilated": dilated,
    }
    common["items_per_epoch"] = items_per_epoch(
        sizes.pretraining_steps, sizes.pretraining_epochs, sizes.pretraining_batch
    )
    task = (
        SimCLRPretraining(temperature=sizes.temperature, **common) if method == "simclr" else BYOLPretraining(**common)
    )
    return Experiment(
        name=f"pretrain-{method}{'' if dilated else '-stride32'}-{network}-{dataset}",
        task=task,
        data=(unlabelled_selection(profile, folders, dataset),),
        schedule=pretraining_schedule(profile, method),
    )


def fine_tuning_schedule(profile: Profile, network: str) -> Schedule:
    """MADGRAD with momentum .9 at a constant rate: 1e-4 for DeepLabV3, 1e-5 for U-Net, weight decay 1e-5, 50 epochs.

    Epochs of the chosen labels, as published, are fewer steps the fewer labels there are; elsewhere every cell takes
    the same number of steps.
    """
    sizes = {"epochs": profile.contrastive.epochs, "batch_size": profile.contrastive.batch_size}
    rate = {"deeplabv3": 1e-4, "unet": 1e-5}[network] if profile.published_schedules else profile.contrastive.rate
    return Schedule(**sizes, optimiser="madgrad", learning_rate=rate, weight_decay=1e-5)


def parents_of(profile: Profile, folders: Mapping[str, Path], start: Start) -> dict[str, Experiment]:
    """What fine-tuning from a start begins with: its encoder, where it was pretrained here."""
    if not start.pretrained_on:
        return {}
    return {"encoder": pretraining_experiment(profile, folders, start.method, start.pretrained_on, start.network)}


def fine_tuning_experiment(
    profile: Profile,
    folders: Mapping[str, Path],
    start: Start,
    dataset: str,
    fraction: float,
    draw: int,
    *,
    parents: Mapping[str, Experiment] | None = None,
    **fields,
) -> Experiment:
    """One cell of a table: fields change single settings of the task (drawn_over); parents: `parents_of` the start,
    made once for all of its cells."""
    sizes = profile.contrastive
    task = FineTuning(
        network=NETWORKS[start.network],
        width=sizes.width,
        weights="imagenet" if start.method == "imagenet" else "none",
        rates=rates_at(sizes.size),
        size=sizes.size,
        fraction=fraction,
        images_per_epoch=items_per_epoch(sizes.steps, sizes.epochs, sizes.batch_size),
        draw=draw,
        **fields,
    )
    origin = "-".join(filter(None, (start.method, start.pretrained_on)))
    return Experiment(
        name=f"segment-{dataset}-{start.network}-{origin}-{100 * fraction:g}pct-draw{draw}",
        task=task,
        data=(selection_of(profile, folders, dataset),),
        schedule=fine_tuning_schedule(profile, start.network),
        seed=draw,
        parents=dict(parents_of(profile, folders, start) if parents is None else parents),
    )


def table_experiments(profile: Profile, folders: Mapping[str, Path], dataset: str) -> dict[Cell, list[Experiment]]:
    """Every cell of Table 1 ("echonet") or 2 ("camus"): one experiment per draw.

    ImageNet rows need the published width: elsewhere they are empty, and the table says that weights are not available.
    """
    parents = {start: parents_of(profile, folders, start) for start in STARTS[dataset]}
    return {
        (start, fraction): [
            fine_tuning_experiment(profile, folders, start, dataset, fraction, draw, parents=parents[start])
            for draw in profile.contrastive.draws
            if start.method != "imagenet" or profile.weights
        ]
        for start in STARTS[dataset]
        for fraction in FRACTIONS
    }


def pretraining_experiments(profile: Profile, folders: Mapping[str, Path]) -> dict[str, Experiment]:
    """Every encoder of the two tables by its title, and BYOL's as the released code builds it."""
    pretrained = [start for start in STARTS["camus"] if start.pretrained_on]
    encoders = {
        start.title: pretraining_experiment(profile, folders, start.method, start.pretrained_on, start.network)
        for start in pretrained
    }
    released = pretraining_experiment(profile, folders, "byol", "echonet", "deeplabv3", dilated=False)
    return encoders | {RELEASED_BYOL: released}


def protocol_note(profile: Profile) -> str:
    """One sentence on what a profile does otherwise than the paper, "" where nothing: it belongs beside its numbers."""
    if profile.published_schedules:
        return ""
    sizes, published = profile.contrastive, PROFILES["paper"].contrastive
    return (
        f"Here {sizes.size} px, SimCLR at a temperature of {sizes.temperature:g} for {sizes.pretraining_steps} steps, "
        f"fine-tuning for {sizes.steps} steps in batches of {sizes.batch_size}; published: {published.size} px, "
        f"{published.temperature:g}, {published.pretraining_epochs} epochs, {published.epochs} epochs in batches of "
        f"{published.batch_size}."
    )
