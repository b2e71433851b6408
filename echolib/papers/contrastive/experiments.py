"""Contrastive pretraining for echocardiography segmentation with limited data (Saeed, Muhtaseb, Yaqub; MIUA 2022).

Encoders of DeepLabV3 and U-Net are pretrained on frames without labels by SimCLR or BYOL, then the whole network is
fine-tuned on 100, 50, 25 or 5 % of the labels, on EchoNet-Dynamic (Table 1) and CAMUS (Table 2).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from echolib.data.selection import Source
from echolib.engine.experiment import Experiment
from echolib.engine.training import Schedule
from echolib.papers.echonet_dynamic.experiments import camus_source, echonet_source
from echolib.papers.profiles import Profile
from echolib.tasks.fine_tuning import FineTuning
from echolib.tasks.pretraining import Pretraining

FRACTIONS = (1.0, 0.5, 0.25, 0.05)
NETWORKS = {"deeplabv3": "deeplabv3_resnet50", "unet": "unet"}
DATASETS = {"camus": "camus", "echonet": "echonet_dynamic"}
Start = Literal["none", "imagenet", "simclr", "byol"]


class Row(NamedTuple):
    """A row of Table 1 or 2: what the encoder starts from, where it was pretrained, and the network."""

    number: int
    start: Start
    pretrained_on: str  # "camus", "echonet" or ""
    network: str

    @property
    def words(self) -> str:
        """As the paper names it: (E) is pretrained on EchoNet-Dynamic, (C) on CAMUS."""
        start = {"none": "random", "imagenet": "ImageNet", "simclr": "SimCLR", "byol": "BYOL"}[self.start]
        where = {"camus": " (C)", "echonet": " (E)", "": ""}[self.pretrained_on]
        return f"{start}{where}, {'DeepLabV3' if self.network == 'deeplabv3' else 'U-Net'}"


TABLE1 = (
    Row(1, "none", "", "deeplabv3"),
    Row(2, "imagenet", "", "deeplabv3"),
    Row(3, "simclr", "echonet", "deeplabv3"),
    Row(4, "byol", "echonet", "deeplabv3"),
    Row(5, "none", "", "unet"),
    Row(6, "simclr", "echonet", "unet"),
    Row(7, "byol", "echonet", "unet"),
)
TABLE2 = (
    Row(1, "none", "", "deeplabv3"),
    Row(2, "imagenet", "", "deeplabv3"),
    Row(3, "simclr", "camus", "deeplabv3"),
    Row(4, "simclr", "echonet", "deeplabv3"),
    Row(5, "byol", "camus", "deeplabv3"),
    Row(6, "byol", "echonet", "deeplabv3"),
    Row(7, "none", "", "unet"),
    Row(8, "simclr", "camus", "unet"),
    Row(9, "simclr", "echonet", "unet"),
    Row(10, "byol", "camus", "unet"),
    Row(11, "byol", "echonet", "unet"),
)


def source_of(profile: Profile, folders: Mapping[str, Path], dataset: str) -> Source:
    """EchoNet-Dynamic ("echonet") or CAMUS four-chamber images ("camus")."""
    make = echonet_source if dataset == "echonet" else camus_source
    return make(profile, folders[DATASETS[dataset]])


def unlabelled_source(profile: Profile, folders: Mapping[str, Path], dataset: str) -> Source:
    """What is pretrained on: CAMUS sequences where every training patient has one, else the ED and ES images."""
    source = source_of(profile, folders, dataset)
    if dataset == "echonet":
        return source
    sequences = source.model_copy(update={"sequences": True})
    if not source.is_here:  # a phantom not yet written, which will have them
        return sequences
    have, wanted = (set(each.items().query("split == 'train'")["patient"]) for each in (sequences, source))
    return sequences if have >= wanted else source


def pretraining_schedule(profile: Profile, method: str) -> Schedule:
    """300 epochs of Adam: SimCLR at 1e-3 with ten epochs of warm-up and a cosine, BYOL at 0.2 as printed. Elsewhere
    both at 2e-3: a rate of 0.2 does not train a network of another width."""
    sizes = {"epochs": profile.contrastive.pretraining_epochs, "batch_size": profile.contrastive.pretraining_batch}
    if profile.published_schedules and method == "byol":
        return Schedule(**sizes, optimiser="adam", learning_rate=0.2, weight_decay=1.5e-6)
    warmup = 10 if profile.published_schedules else min(2, sizes["epochs"] / 2)
    rate = 1e-3 if profile.published_schedules else 2e-3
    common = {"weight_decay": 1e-6, "decay": "cosine", "warmup_epochs": warmup}
    return Schedule(**sizes, optimiser="adam", learning_rate=rate, **common)


def pretraining_experiment(
    profile: Profile, folders: Mapping[str, Path], method: str, dataset: str, network: str, dilated: bool = True
) -> Experiment:
    """An encoder pretrained on one dataset; dilated=False is the backbone that the released code gives BYOL."""
    sizes = profile.contrastive
    keep = "last" if method == "byol" else "lowest_loss"
    options = {"width": sizes.width, "size": sizes.size, "dilated": dilated, "keep": keep}
    task = Pretraining(method=method, network=NETWORKS[network], **options)
    return Experiment(
        name=f"pretrain-{method}{'' if dilated else '-stride32'}-{network}-{dataset}",
        task=task,
        data=(unlabelled_source(profile, folders, dataset),),
        schedule=pretraining_schedule(profile, method),
    )


def fine_tuning_schedule(profile: Profile, network: str) -> Schedule:
    """MADGRAD with momentum .9 at a constant rate: 1e-4 for DeepLabV3, 1e-5 for U-Net, weight decay 1e-5, 50 epochs."""
    sizes = {"epochs": profile.contrastive.epochs, "batch_size": profile.contrastive.batch_size}
    rate = {"deeplabv3": 1e-4, "unet": 1e-5}[network] if profile.published_schedules else profile.contrastive.rate
    return Schedule(**sizes, optimiser="madgrad", learning_rate=rate, weight_decay=1e-5)


def fine_tuning_experiment(
    profile: Profile, folders: Mapping[str, Path], row: Row, dataset: str, fraction: float, draw: int, **fields
) -> Experiment:
    """One cell of a table: fields change single settings of the task (drawn_over)."""
    sizes = profile.contrastive
    task = FineTuning(
        network=NETWORKS[row.network],
        width=sizes.width,
        weights="imagenet" if row.start == "imagenet" else "none",
        size=sizes.size,
        fraction=fraction,
        draw=draw,
        **fields,
    )
    parents = {}
    if row.pretrained_on:
        parents = {"encoder": pretraining_experiment(profile, folders, row.start, row.pretrained_on, row.network)}
    start = "-".join(filter(None, (row.start, row.pretrained_on)))
    return Experiment(
        name=f"segment-{dataset}-{row.network}-{start}-{100 * fraction:g}pct-draw{draw}",
        task=task,
        data=(source_of(profile, folders, dataset),),
        schedule=fine_tuning_schedule(profile, row.network),
        seed=draw,
        parents=parents,
    )


def table_experiments(
    profile: Profile, folders: Mapping[str, Path], dataset: str
) -> dict[tuple[Row, float], list[Experiment]]:
    """Every cell of Table 1 ("echonet") or 2 ("camus"): one experiment a draw.

    ImageNet rows need the published width: elsewhere they are empty, and the table says that weights are not available.
    """
    rows = TABLE1 if dataset == "echonet" else TABLE2
    return {
        (row, fraction): [
            fine_tuning_experiment(profile, folders, row, dataset, fraction, draw)
            for draw in profile.contrastive.draws
            if row.start != "imagenet" or profile.weights
        ]
        for row in rows
        for fraction in FRACTIONS
    }


def pretraining_experiments(profile: Profile, folders: Mapping[str, Path]) -> dict[str, Experiment]:
    """Every encoder of the two tables by its words, and BYOL's as the released code builds it."""
    rows = [row for row in TABLE2 if row.pretrained_on]
    found = {
        row.words: pretraining_experiment(profile, folders, row.start, row.pretrained_on, row.network) for row in rows
    }
    released = pretraining_experiment(profile, folders, "byol", "echonet", "deeplabv3", dilated=False)
    return found | {"BYOL (E), ResNet-50 of stride 32 as released": released}


def planned(profile: Profile, folders: Mapping[str, Path]) -> dict[str, list[Experiment]]:
    """The experiments behind each notebook."""
    cells = [*table_experiments(profile, folders, "echonet").values()]
    cells += table_experiments(profile, folders, "camus").values()
    return {
        "10_contrastive_pretraining": list(pretraining_experiments(profile, folders).values()),
        "11_contrastive_segmentation": [each for cell in cells for each in cell],
    }
