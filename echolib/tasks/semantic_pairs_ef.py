"""EF by anchors beside segmentation, from the images of end diastole and end systole and their human masks."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from pydantic import PositiveFloat
from torch import Tensor, nn

from echolib.data.loaders.clips import EFVideos
from echolib.data.loaders.images import MaskedImages, structure_targets
from echolib.data.sampling import crop_offsets, shift_crop
from echolib.data.selection import Dataset
from echolib.engine.task import Parent
from echolib.losses.anchors import anchor_loss
from echolib.losses.semantic import auxiliary_loss
from echolib.models.semantic import SemanticPairs
from echolib.models.width import scaled_channels
from echolib.shapes import Clip, EFPercent, Items, MaskTargets, Scalar
from echolib.tasks.anchor_ef import AnchorEF


@dataclass(frozen=True)
class OutlinedPairs(EFVideos):
    """Pairs of images with the ventricle's masks: bool (pairs, 2, size, size), ED and ES."""

    masks: Tensor


class SemanticPairsEF(AnchorEF):
    """Chen and Li's segmentation branch (Sec. 2.2) where every frame has a human mask: Eq. 8 and 9 with alpha = 1.

    auxiliary_weight: beta of Eq. 6, with the cross-entropies summed over the clip's pixels.
    """

    auxiliary_weight: PositiveFloat = 0.01

    def load(self, datasets: Mapping[str, Dataset], parents: Mapping[str, Parent], device: torch.device):
        videos, (dataset,) = super().load(datasets, parents, device), datasets.values()
        _, labels = MaskedImages.of(dataset, device).resized(self.clip_size)
        positions = torch.as_tensor(videos.videos[["ed", "es"]].to_numpy(copy=True), device=device)
        masks = structure_targets(labels, ("lv",))[:, 0][positions]
        return OutlinedPairs(**vars(videos), masks=masks)

    def build_on(self, encoder: nn.Module) -> nn.Module:
        return SemanticPairs(encoder, scaled_channels(256, self.width), self.first_ef)

    def batch(
        self, data: OutlinedPairs, items: Items, generator: torch.Generator
    ) -> tuple[Clip, EFPercent, MaskTargets]:
        """Clips of two frames, EF (batch,), masks (batch, 2, H, W)."""
        clips, ef = self.draw(data, items, generator)
        masks = data.masks[data.of_split["train"][items]].to(clips.dtype)
        offsets = crop_offsets(len(items), self.crop_pad, generator)
        return shift_crop(clips, offsets), ef, shift_crop(masks, offsets)

    def loss(self, model: nn.Module, batch: tuple[Clip, EFPercent, MaskTargets]) -> Scalar:
        clips, ef, masks = batch
        output = model(clips)
        auxiliary = auxiliary_loss(output.masks.float(), masks, torch.ones_like(ef))
        return anchor_loss(output.scores.float(), output.offsets.float(), ef) + self.auxiliary_weight * auxiliary
