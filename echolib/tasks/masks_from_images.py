"""Masks of the left ventricle (and of CAMUS's other structures) from single frames, whatever the loss."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from echolib.data.loaders.clips import in_chunks
from echolib.data.loaders.images import MaskedImages, expected_images, structure_targets
from echolib.data.selection import DataSelection, Dataset
from echolib.engine.task import Parent, Tables, Task
from echolib.geometry.volumes import disc_volume_ml, mask_discs
from echolib.metrics.masks import dice, overlap, pooled_dice
from echolib.metrics.surface import surface_distance
from echolib.models.segmentation import PUBLISHED_RATES, AtrousRates, SegmentationNetwork, segmentation_network
from echolib.shapes import Images, Items, MaskTargets


@dataclass(frozen=True)
class SegmentationData:
    """Images and targets at the training size beside the stored ones, on which the test is scored."""

    stored: MaskedImages
    images: Tensor  # uint8 (items, size, size)
    targets: Tensor  # bool (items, structures, size, size)


class MasksFromImages(Task):
    """A mask of each structure, scored at the stored resolution by Dice; a subclass says what it learns from.

    A pixel belongs to a structure where its logit is above 0. rates: of DeepLabV3's pyramid (see `DeepLabV3`).
    """

    headline: ClassVar[tuple[str, ...]] = ("dice_lv", "dice_lv_pooled")
    network: SegmentationNetwork = "deeplabv3_resnet50"
    width: int = 64
    rates: AtrousRates = PUBLISHED_RATES
    weights: Literal["imagenet", "none"] = "none"
    structures: tuple[Literal["lv", "epicardium", "atrium"], ...] = ("lv",)
    size: int = 112

    def load(
        self, datasets: Mapping[str, Dataset], parents: Mapping[str, Parent], device: torch.device
    ) -> SegmentationData:
        (dataset,) = datasets.values()
        stored = MaskedImages.of(dataset, device)
        images, labels = stored.resized(self.size)
        return SegmentationData(stored, images, structure_targets(labels, self.structures))

    def build(self, data: SegmentationData, parents: Mapping[str, Parent]) -> tuple[nn.Module, str]:
        model = self.make_network()
        return model, model.load_imagenet() if self.weights == "imagenet" else "random"

    def make_network(self) -> nn.Module:
        """The network with random weights."""
        return segmentation_network(self.network, len(self.structures), self.width, self.rates)

    def training_items(self, data: SegmentationData) -> int:
        return len(data.stored.of_split["train"])

    def names(self, data: SegmentationData, items: Items) -> list[str]:
        return data.stored.items["name"].iloc[data.stored.of_split["train"][items].tolist()].tolist()

    def batch(self, data: SegmentationData, items: Items, generator: torch.Generator) -> tuple[Images, MaskTargets]:
        chosen = data.stored.of_split["train"][items]
        return data.stored.normalise(data.images[chosen]), data.targets[chosen]

    def validate(self, model: nn.Module, data: SegmentationData) -> dict[str, float]:
        """The training loss without its gradient, and the pooled Dice of each structure at the training size."""
        chosen = data.stored.of_split["val"]
        logits = self.logits(model, data, chosen)
        targets = data.targets[chosen]
        loss = self.loss(nn.Identity(), (logits, targets))
        scores = pooled_dice(*(counts.T for counts in overlap(logits > 0, targets))).tolist()
        return {"loss": float(loss)} | {f"dice_{name}": d for name, d in zip(self.structures, scores, strict=True)}

    def predict(self, model: nn.Module, data: SegmentationData) -> Tables:
        """One row per test image: pixel counts of each structure at the stored size, its Dice and that of the training
        images' mean mask; where pixels have a size also LV volumes in mL and the distances of the outlines in mm."""
        stored = data.stored
        chosen = stored.of_split["test"]
        masks = self.segment(model, data, chosen)
        truth = structure_targets(stored.labels[chosen], self.structures)
        table = stored.items.iloc[chosen.cpu()].reset_index(drop=True).rename(columns={"ef_percent": "label"})
        for i, name in enumerate(self.structures):
            counts = [count.cpu().numpy() for count in overlap(masks[:, i], truth[:, i])]
            table[f"{name}_overlap_px"], table[f"{name}_predicted_px"], table[f"{name}_true_px"] = counts
            table[f"{name}_dice"] = dice(*counts)
            table[f"{name}_mean_mask_dice"] = stored.mean_mask_dice(chosen, (name,))[:, 0].cpu().numpy()
        if table["row_mm"].notna().all():
            spacing = table[["row_mm", "column_mm"]].to_numpy()
            table["predicted_volume_ml"] = _volumes(masks[:, 0], spacing)
            table["true_volume_ml"] = _volumes(truth[:, 0], spacing)
            for i, name in enumerate(self.structures):
                pairs = zip(masks[:, i].cpu().numpy(), truth[:, i].cpu().numpy(), spacing, strict=True)
                distances = [surface_distance(*pair) for pair in pairs]
                table[f"{name}_hausdorff_mm"], table[f"{name}_surface_mm"] = zip(*distances, strict=True)
        return {"predictions": table}

    def segment(self, model: nn.Module, data: SegmentationData, items: Tensor) -> Tensor:
        """Masks of stored images `items`, at their stored size: bool (items, structures, H, W)."""
        shape = data.stored.images.shape[-2:]

        def forward(images: Tensor) -> Tensor:
            logits = self.test_logits(model, data, images)
            return F.interpolate(logits, size=shape, mode="bilinear", align_corners=False) > 0

        return in_chunks(forward, data.images[items])

    def metrics(self, tables: Tables) -> dict[str, float]:
        table, figures = tables["predictions"], {}
        for name in self.structures:
            figures[f"dice_{name}"] = float(table[f"{name}_dice"].mean())
            figures[f"dice_{name}_mean_mask"] = float(table[f"{name}_mean_mask_dice"].mean())
            counts = (table[f"{name}_{kind}_px"].to_numpy() for kind in ("overlap", "predicted", "true"))
            figures[f"dice_{name}_pooled"] = float(pooled_dice(*counts))
        return figures

    def expected_items(self, selection: DataSelection) -> int:
        return expected_images(selection)

    def workload(self, device: str = "meta") -> tuple[nn.Module, tuple[Tensor, ...]]:
        with torch.device(device):
            return self.make_network(), (torch.zeros(1, 3, self.size, self.size),)

    def logits(self, model: nn.Module, data: SegmentationData, items: Items) -> Tensor:
        """Of training or validation images at the training size: float (items, structures, size, size)."""
        return in_chunks(lambda part: model(data.stored.normalise(part)).float(), data.images[items])

    def test_logits(self, model: nn.Module, data: SegmentationData, images: Tensor) -> Tensor:
        """What the masks of test images are read from: uint8 (batch, size, size) -> (batch, structures, size, size)."""
        return model(data.stored.normalise(images)).float()


def _volumes(masks: Tensor, spacing_mm: np.ndarray) -> list[float]:
    """Single-plane volumes in mL of masks (items, H, W) with pixels of (row, column) mm."""
    return [float(disc_volume_ml(mask_discs(m, mm))) for m, mm in zip(masks.cpu().numpy(), spacing_mm, strict=True)]
