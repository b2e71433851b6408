"""Segmentation learnt from simulated frames alone, tested on a dataset's real ones."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from pydantic import PositiveFloat, PositiveInt
from torch import Tensor, nn

from echolib.data.loaders.clips import in_chunks
from echolib.data.loaders.images import structure_targets
from echolib.data.selection import DataSelection, Dataset
from echolib.engine.task import Parent
from echolib.metrics.masks import overlap, pooled_dice
from echolib.phantom.scanner.random_frames import apical_frames
from echolib.shapes import Images, Items, MaskTargets
from echolib.tasks.augmented_segmentation import AugmentedSegmentation, as_input
from echolib.tasks.masks_from_images import SegmentationData

VALIDATION_SHARE = 0.05
RENDERING_SEED = 0


@dataclass(frozen=True)
class SimulatedData(SegmentationData):
    """Simulated frames to learn from, real ones to test on: uint8 (frames, size, size), bool (frames, structures, size,
    size); the first are validated on."""

    frames: Tensor
    labels: Tensor
    validated: int


class SimulatedSegmentation(AugmentedSegmentation):
    """Every image of the dataset is a test image: none takes part in training, nor in the choice of weights.

    frames: how many are rendered; variability: of the phantom, see `apical_frames`.
    """

    frames: PositiveInt = 4000
    variability: PositiveFloat = 1.3

    def load(
        self, datasets: Mapping[str, Dataset], parents: Mapping[str, Parent], device: torch.device
    ) -> SimulatedData:
        data = super().load(datasets, parents, device)
        everybody = torch.arange(len(data.stored.items), device=device)
        stored = replace(data.stored, of_split=data.stored.of_split | {"test": everybody})
        frames, labels = apical_frames(self.frames, self.size, RENDERING_SEED, device, self.variability)
        targets = structure_targets(labels, self.structures)
        validated = max(2, round(VALIDATION_SHARE * self.frames))
        return SimulatedData(stored, data.images, data.targets, frames, targets, validated)

    def training_items(self, data: SimulatedData) -> int:
        return len(data.frames) - data.validated

    def names(self, data: SimulatedData, items: Items) -> list[str]:
        return [f"simulated frame {item}" for item in items.tolist()]

    def batch(self, data: SimulatedData, items: Items, generator: torch.Generator) -> tuple[Images, MaskTargets]:
        chosen = items + data.validated
        return self.augmented(data.frames[chosen], data.labels[chosen], generator)

    def validate(self, model: nn.Module, data: SimulatedData) -> dict[str, float]:
        """As of real images, on simulated ones."""
        frames, targets = data.frames[: data.validated], data.labels[: data.validated]
        logits = in_chunks(lambda part: model(as_input(part.float() / 255)).float(), frames)
        scores = pooled_dice(*(counts.T for counts in overlap(logits > 0, targets))).tolist()
        figures = {f"dice_{name}": score for name, score in zip(self.structures, scores, strict=True)}
        return {"loss": float(self.loss(nn.Identity(), (logits, targets)))} | figures

    def expected_items(self, selection: DataSelection) -> int:
        return self.images_per_epoch or self.frames
