"""Masks and keypoints by one network, from datasets of which each has labels of its own kind.

An ablation is fair to each task when every network that learns it sees as many of its labels, and the same ones: of a
network for both, half of the images may carry masks and half keypoints, and its batches are then twice as large.
"""

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

import pandas as pd
import torch
import torch.nn.functional as F
from pydantic import Field, PositiveFloat, PositiveInt
from torch import Tensor, nn

from echolib.data.loaders.clips import in_chunks
from echolib.data.loaders.images import structure_targets
from echolib.data.loaders.labelled import LabelledBatch, LabelledSet, items_in_turns, masked_set, pointed_set
from echolib.data.readers.echonet_lvh import WALL_KEYPOINTS
from echolib.data.sampling import Normalisation
from echolib.data.selection import DataSelection, Dataset
from echolib.engine.task import Parent, Tables, Task
from echolib.geometry.heatmaps import decode_heatmaps, heatmaps, to_cells, to_pixels
from echolib.geometry.keypoints import APICAL_KEYPOINTS
from echolib.losses.partial_labels import map_loss, mask_loss
from echolib.metrics.masks import overlap, pooled_dice
from echolib.metrics.per_item import EF, MASKS, MEASURES, POINTS, ef_table, mask_table, measure_table, point_table
from echolib.models.multitask import MAP_STRIDE, MultiTask, SingleTask, Variant
from echolib.shapes import Items, Scalar

Sets = tuple[LabelledSet, ...]
WITH_MASKS, WITH_POINTS = ("camus", "echonet_dynamic"), ("echonet_lvh",)


class MultiTaskLearning(Task):
    """Dice and binary cross-entropy on the structures that a dataset labels, plus `keypoint_weight` times the
    divergence of the heat maps of labelled keypoints, each a distribution over its cells, from a Gaussian round the
    label.

    No public image has both labels, so a loss counts only where its label exists: masks of CAMUS and EchoNet-Dynamic,
    four points of the walls of EchoNet-LVH. With `derived`, both labels lie on each CAMUS image: its masks, and apex
    and annulus ends found in them; other datasets are not used. single_task: the ablation's rivals, with one branch and
    the datasets that teach it. Whatever the variant, an epoch shows `labels_per_epoch` images with masks, as many of
    each dataset that has some, and as many images with keypoints: to each task the same number of labels.

    A batch holds images of all datasets: the batch statistics of a single one would not be those of evaluation, which
    are a mixture.
    """

    headline: ClassVar[tuple[str, ...]] = ("dice_camus_lv", "dice_echonet_dynamic_lv", "keypoint_px")
    variant: Variant = "tf_efficientnet_b0"
    width: PositiveInt = 64
    weights: Literal["imagenet", "none"] = "none"
    structures: tuple[Literal["lv", "epicardium", "atrium"], ...] = ("lv", "epicardium", "atrium")
    size: int = Field(default=256, multiple_of=32, gt=0)
    single_task: SingleTask | None = None
    derived: bool = False
    keypoint_weight: PositiveFloat = 1.0
    sigma: PositiveFloat = 1.5  # cells of a heat map
    labels_per_epoch: PositiveInt  # images with masks, and images with keypoints

    @property
    def datasets(self) -> tuple[str, ...]:
        """The datasets that it learns from, in their turn."""
        if self.derived:
            return ("camus",)
        return {"segmentation": WITH_MASKS, "keypoints": WITH_POINTS, None: WITH_MASKS + WITH_POINTS}[self.single_task]

    @property
    def points(self) -> tuple[str, ...]:
        """The names of its keypoints."""
        return APICAL_KEYPOINTS if self.derived else WALL_KEYPOINTS

    def load(self, datasets: Mapping[str, Dataset], parents: Mapping[str, Parent], device: torch.device) -> Sets:
        def one(dataset: Dataset) -> LabelledSet:
            if dataset.entry.keypoints:
                return pointed_set(dataset, self.size, device)
            keypoints = len(self.points)
            return masked_set(dataset, self.size, self.structures, keypoints, device, derived=self.derived)

        return tuple(one(datasets[name]) for name in self.datasets)

    def build(self, data: Sets, parents: Mapping[str, Parent]) -> tuple[nn.Module, str]:
        model = self.make_network()
        return model, model.load_imagenet() if self.weights == "imagenet" else "random"

    def make_network(self) -> MultiTask:
        """The network with random weights."""
        return MultiTask(self.variant, len(self.structures), len(self.points), self.width, self.single_task)

    @property
    def turns(self) -> tuple[str, ...]:
        """The datasets in the order in which they give an image each: of those with masks each once, and the one with
        keypoints as often as all of them."""
        if self.derived or self.single_task == "keypoints":
            return self.datasets
        if self.single_task == "segmentation":
            return WITH_MASKS
        (pointed,) = WITH_POINTS
        return tuple(name for masked in WITH_MASKS for name in (masked, pointed))

    @property
    def images_per_epoch(self) -> int:
        """Images of an epoch: more than `labels_per_epoch` where masks and keypoints lie on different ones."""
        both = self.single_task is None and not self.derived
        return (2 if both else 1) * self.labels_per_epoch

    def training_items(self, data: Sets) -> int:
        return self.images_per_epoch

    def epoch(self, data: Sets, batch_size: int, generator: torch.Generator) -> Iterator[Items]:
        """Images of the datasets in `turns`, in whole batches; items are numbered dataset after dataset."""
        count = max(1, self.images_per_epoch // batch_size) * batch_size
        available = {dataset.name: len(dataset.of_split["train"]) for dataset in data}
        yield from items_in_turns(available, self.turns, count, generator).split(batch_size)

    def _by_set(self, data: Sets, items: Items) -> Iterator[tuple[LabelledSet, Tensor]]:
        """The datasets that a batch comes from, and its rows there."""
        first = 0
        for dataset in data:
            train = dataset.of_split["train"]
            own = items[(items >= first) & (items < first + len(train))]
            if len(own):
                yield dataset, train[own - first]
            first += len(train)

    def names(self, data: Sets, items: Items) -> list[str]:
        return [
            name for dataset, rows in self._by_set(data, items) for name in dataset.items["name"].iloc[rows.tolist()]
        ]

    def batch(self, data: Sets, items: Items, generator: torch.Generator) -> LabelledBatch:
        """The images of one dataset after those of the other."""
        parts = [
            dataset.augmented(rows, len(self.structures), generator) for dataset, rows in self._by_set(data, items)
        ]
        return LabelledBatch(*(torch.cat(tensors) for tensors in zip(*parts, strict=True)))

    def loss(self, model: nn.Module, batch: LabelledBatch) -> Scalar:
        masks, maps = model(batch.images)
        loss = 0.0
        if masks is not None:
            loss = mask_loss(masks, batch.targets, batch.known)
        if maps is not None:
            loss = loss + self.keypoint_weight * map_loss(maps, self.maps_of(batch.points))
        return loss  # pyrefly: ignore[bad-return]  (a network has masks, keypoints or both)

    def maps_of(self, points: Tensor) -> Tensor:
        """Heat maps (..., K, size/4, size/4) of points (..., K, 2) in pixels of the input; all 0 of unlabelled ones."""
        cells = self.size // MAP_STRIDE
        return heatmaps(to_cells(points, MAP_STRIDE), cells, cells, self.sigma)

    def points_of(self, maps: Tensor) -> Tensor:
        """Points (..., K, 2) in pixels of the input: the peaks of maps (..., K, h, w) as distributions."""
        return to_pixels(decode_heatmaps(maps.flatten(-2).softmax(-1).view_as(maps)), MAP_STRIDE)

    def validate(self, model: nn.Module, data: Sets) -> dict[str, float]:
        """The loss is Dice loss and cross-entropy, mean over datasets, plus the divergence of the heat maps: both count
        alike whatever `keypoint_weight`. Also Dice, and keypoints' error in pixels."""
        losses: dict[str, list[float]] = {"masks": [], "maps": []}
        figures: dict[str, float] = {}
        for dataset in data:
            batch = dataset.labels(dataset.of_split["val"], len(self.structures))
            if self.scores_masks(dataset) and bool(batch.known.any()):
                logits = self._logits(model, dataset, batch.images)
                losses["masks"].append(float(mask_loss(logits, batch.targets, batch.known)))
                figures |= self._pooled_dice(dataset, logits > 0, batch.targets)
            if self.scores_points(dataset) and bool(batch.points.isfinite().any()):
                maps, targets = self._maps(model, dataset, batch.images), self.maps_of(batch.points)
                losses["maps"].append(float(map_loss(maps, targets)))
                points = self.points_of(maps)
                figures["keypoint_px"] = float((points - batch.points).norm(dim=-1).nanmean())
        return {"loss": sum(sum(part) / len(part) for part in losses.values() if part)} | figures

    def scores_masks(self, dataset: LabelledSet) -> bool:
        """Whether there are both masks of this dataset and a branch that predicts them."""
        return self.single_task != "keypoints" and bool(dataset.structures)

    def scores_points(self, dataset: LabelledSet) -> bool:
        """Whether there are both keypoints of this dataset and a branch that predicts them."""
        return self.single_task != "segmentation" and (self.derived or dataset.has_points)

    def _pooled_dice(self, dataset: LabelledSet, masks: Tensor, targets: Tensor) -> dict[str, float]:
        dice = pooled_dice(*(counts.T for counts in overlap(masks, targets))).tolist()
        return {f"dice_{dataset.name}_{self.structures[index]}": dice[index] for index in dataset.structures}

    def predict(self, model: nn.Module, data: Sets) -> Tables:
        """Of the test items: predictions (keypoints), masks, measures and ef, each empty where it does not apply."""
        tables: dict[str, list[pd.DataFrame]] = {"predictions": [], "masks": [], "measures": [], "ef": []}
        for dataset in data:
            rows = dataset.of_split["test"]
            items = dataset.items.iloc[rows.cpu()].assign(dataset=dataset.name)
            if self.scores_masks(dataset) and len(rows):
                names = tuple(self.structures[index] for index in dataset.structures)
                labels = dataset.stored.labels[rows]
                masks = self.segment(model, dataset.normalise, dataset.images[rows], labels.shape[-2:])
                masks = masks[:, list(dataset.structures)].cpu().numpy()
                truth = structure_targets(labels, names).cpu().numpy()
                mean_dice = dataset.stored.mean_mask_dice(rows, names).cpu().numpy()
                tables["masks"].append(mask_table(items, masks, truth, names, mean_dice))
                if "view" in dataset.items and "lv" in names:
                    lv = names.index("lv")
                    tables["ef"].append(ef_table(items, masks[:, lv], truth[:, lv]))
            if self.scores_points(dataset) and len(rows):
                points = self.points_of(self._maps(model, dataset, dataset.images[rows]))
                points, truth = (xy.double().cpu().numpy() for xy in (points, dataset.points[rows]))
                tables["predictions"].append(point_table(items, points, truth, self.points))
                if not self.derived:
                    tables["measures"].append(measure_table(items, points, truth))
        columns = {"predictions": POINTS, "masks": MASKS, "measures": MEASURES, "ef": EF}
        return {
            name: pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(columns[name]))
            for name, parts in tables.items()
        }

    def segment(self, model: nn.Module, normalise: Normalisation, images: Tensor, shape: tuple[int, int]) -> Tensor:
        """Masks of uint8 images (items, size, size) at another size: bool (items, structures, *shape)."""

        def masks(part: Tensor) -> Tensor:
            logits = model(normalise(part)).masks.float()
            return F.interpolate(logits, size=shape, mode="bilinear", align_corners=False) > 0

        return in_chunks(masks, images)

    def _logits(self, model: nn.Module, dataset: LabelledSet, images: Tensor) -> Tensor:
        return in_chunks(lambda part: model(dataset.normalise(part)).masks.float(), images)

    def _maps(self, model: nn.Module, dataset: LabelledSet, images: Tensor) -> Tensor:
        return in_chunks(lambda part: model(dataset.normalise(part)).maps.float(), images)

    def metrics(self, tables: Tables) -> dict[str, float]:
        """Mean Dice by dataset and structure, of the network and of the mean mask; mean distance of the keypoints."""
        means = tables["masks"].groupby(["dataset", "structure"])[["dice", "dice_mean_mask"]].mean()
        figures = {}
        # pyrefly: ignore[not-iterable]  (the index has two levels)
        for (dataset, structure), of_pair in means.iterrows():
            figures[f"dice_{dataset}_{structure}"] = float(of_pair["dice"])
            figures[f"dice_{dataset}_{structure}_mean_mask"] = float(of_pair["dice_mean_mask"])
        points = tables["predictions"]
        if len(points):
            errors = {"px": "error_input_px", "native_px": "error_native_px", "mm": "error_mm"}
            figures |= {f"keypoint_{unit}": float(points[name].mean()) for unit, name in errors.items()}
        return figures

    def expected_items(self, selection: DataSelection) -> int:
        return self.images_per_epoch * self.turns.count(selection.dataset) // len(self.turns)

    def workload(self, device: str = "meta") -> tuple[nn.Module, tuple[Tensor, ...]]:
        with torch.device(device):
            return self.make_network(), (torch.zeros(1, 3, self.size, self.size),)
