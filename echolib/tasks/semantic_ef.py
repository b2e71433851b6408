"""EF by anchors beside segmentation: M3 of Chen and Li's Table 2."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from pydantic import PositiveFloat
from torch import nn

from echolib.data.loaders.clips import EFVideos
from echolib.data.loaders.mask_bank import MaskBank
from echolib.data.sampling import clip_index, crop_offsets, shift_crop
from echolib.data.selection import Dataset
from echolib.engine.task import Parent
from echolib.losses.anchors import anchor_loss
from echolib.losses.semantic import auxiliary_loss
from echolib.models.channel_attention import insert_attention
from echolib.models.semantic import SemanticNetwork
from echolib.models.stca import STCA
from echolib.models.width import scaled_channels
from echolib.shapes import Clip, EFPercent, Items, LabelWeights, MaskTargets, Scalar
from echolib.tasks.tca_ef import TCAEF

SemanticBatch = tuple[Clip, EFPercent, MaskTargets, LabelWeights]


@dataclass(frozen=True)
class PseudoLabelled(EFVideos):
    """Videos, and the segmenter's masks of every training frame."""

    bank: MaskBank


class SemanticEF(TCAEF):
    """M3: TCA, and beside EF the masks of the clip's largest and smallest ventricle are learnt (Sec. 2.2); S-TCA, which
    looks at the former, takes the place of the last TCA. Parent "pseudo_labels": a `PseudoLabels` experiment.

    auxiliary_weight: beta of Eq. 6, with the cross-entropies summed over the clip's pixels.
    """

    auxiliary_weight: PositiveFloat = 0.01

    def load(self, datasets: Mapping[str, Dataset], parents: Mapping[str, Parent], device: torch.device):
        videos = super().load(datasets, parents, device)
        return PseudoLabelled(**vars(videos), bank=mask_bank(parents["pseudo_labels"], device))

    def build_on(self, encoder: nn.Module) -> nn.Module:
        earlier = tuple(stage for stage in self.stages if stage != "layer4")
        insert_attention(encoder, self.attention, earlier, self.insert_after)
        attention = STCA(encoder.fc.in_features, self.reduction, self.window)
        return SemanticNetwork(encoder, attention, scaled_channels(256, self.width))

    def batch(self, data: PseudoLabelled, items: Items, generator: torch.Generator) -> SemanticBatch:
        """Clips, EF (batch,), masks (batch, 2, H, W) of the largest and smallest ventricle in each clip, alpha."""
        videos = data.of_split["train"][items]
        starts = self.starts(data, videos, generator)
        clips = data.clips(videos, starts, self.clip_length, self.clip_period)
        index, exists = clip_index(starts, data.frames.counts[videos], self.clip_length, self.clip_period)
        masks = data.bank.extremes(items, index, exists).to(clips.dtype)
        offsets = crop_offsets(len(items), self.crop_pad, generator)
        return shift_crop(clips, offsets), data.ef[videos], shift_crop(masks, offsets), data.bank.alpha[items]

    def loss(self, model: nn.Module, batch: SemanticBatch) -> Scalar:
        clips, ef, masks, alpha = batch
        output = model(clips)
        auxiliary = auxiliary_loss(output.masks.float(), masks, alpha)
        return anchor_loss(output.scores.float(), output.offsets.float(), ef) + self.auxiliary_weight * auxiliary


def mask_bank(parent: Parent, device: torch.device) -> MaskBank:
    """What a finished `PseudoLabels` experiment has made."""
    return MaskBank.of(parent.weights, parent.table()["alpha"].to_numpy(), device)
