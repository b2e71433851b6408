"""EF by anchors on a video encoder with channel attention: M1 to M3 of Chen and Li's Table 2, and SE and ME."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from pydantic import PositiveFloat, PositiveInt
from torch import Tensor, nn

from echolib.data.loaders.clips import EFVideos
from echolib.data.sampling import clip_index, crop_offsets, shift_crop
from echolib.data.selection import Dataset
from echolib.engine.task import Parent
from echolib.losses.anchors import anchor_loss, auxiliary_loss, decode_anchors
from echolib.models.anchors import AnchorHead
from echolib.models.attention import ME, SE, STCA, TCA, attend
from echolib.models.narrow import scaled
from echolib.models.semantic import SemanticNetwork
from echolib.models.video import STAGES, load_kinetics, video_encoder
from echolib.tasks.ef_regression import EFRegression
from echolib.tasks.pseudo_labels import MaskBank

Attention = Literal["none", "tca", "se", "me"]


class AnchorEF(EFRegression):
    """Anchor-based classification and regression of EF (Sec. 2.3), with attention after the encoder's stages.

    place: after each of `stages`, or after each of their residual blocks. window: frames over which TCA compares.
    me_gate: the gate of ME, of the paper or of its released code.
    """

    kind: Literal["anchor_ef"] = "anchor_ef"
    attention: Attention = "none"
    stages: tuple[Literal["layer1", "layer2", "layer3", "layer4"], ...] = STAGES
    place: Literal["stage", "block"] = "stage"
    window: PositiveInt = 3
    reduction: PositiveInt = 16
    me_gate: Literal["paper", "released"] = "paper"

    def build(self, data: EFVideos, parents: Mapping[str, Parent]) -> tuple[nn.Module, str]:
        encoder = self._encoder()
        start = load_kinetics(encoder, self.network) if self.weights == "kinetics" else "random"
        return self._around(encoder), start

    def make_network(self) -> nn.Module:
        return self._around(self._encoder())

    def _encoder(self) -> nn.Module:
        return video_encoder(self.network, self.width, self.blocks)

    def _around(self, encoder: nn.Module) -> nn.Module:
        """Attention and head on an encoder that has its published weights by now."""
        encoder.fc = AnchorHead(encoder.fc.in_features)
        if self.attention != "none":
            attend(encoder, self._attention, self.stages, self.place)
        return encoder

    def _attention(self, channels: int) -> nn.Module:
        if self.attention == "tca":
            return TCA(channels, self.reduction, self.window)
        return SE(channels, self.reduction) if self.attention == "se" else ME(channels, self.reduction, self.me_gate)

    def loss(self, model: nn.Module, batch: tuple[Tensor, ...]) -> Tensor:
        clips, ef = batch
        scores, offsets = model(clips)
        return anchor_loss(scores.float(), offsets.float(), ef)

    def ejection_fraction(self, output: Any) -> Tensor:
        return decode_anchors(output.scores.float(), output.offsets.float())


@dataclass(frozen=True)
class PseudoLabelled(EFVideos):
    """Videos, and the segmenter's masks of every training frame."""

    bank: MaskBank


class SemanticEF(AnchorEF):
    """M3: TCA, and beside EF the masks of the clip's largest and smallest ventricle are learnt (Sec. 2.2); S-TCA, which
    looks at the former, takes the place of the last TCA. Parent "pseudo_labels": a `PseudoLabels` experiment.

    auxiliary_weight: beta of Eq. 6, with the cross-entropies summed over the clip's pixels.
    """

    kind: Literal["semantic_ef"] = "semantic_ef"
    attention: Literal["tca"] = "tca"
    auxiliary_weight: PositiveFloat = 0.01

    def load(self, datasets: Mapping[str, Dataset], parents: Mapping[str, Parent], device: torch.device):
        videos = super().load(datasets, parents, device)
        return PseudoLabelled(**vars(videos), bank=MaskBank.of(parents["pseudo_labels"], device))

    def _around(self, encoder: nn.Module) -> nn.Module:
        attend(encoder, self._attention, tuple(name for name in self.stages if name != "layer4"), self.place)
        attention = STCA(encoder.fc.in_features, self.reduction, self.window)
        return SemanticNetwork(encoder, attention, scaled(256, self.width))

    def batch(self, data: PseudoLabelled, items: Tensor, generator: torch.Generator) -> tuple[Tensor, ...]:
        """Clips, EF (batch,), masks (batch, 2, H, W) of the largest and smallest ventricle in each clip, alpha."""
        videos = data.of_split["train"][items]
        starts = self.starts(data, videos, generator)
        clips = data.clips(videos, starts, self.clip_length, self.clip_period)
        index, exists = clip_index(starts, data.frames.counts[videos], self.clip_length, self.clip_period)
        masks = data.bank.extremes(items, index, exists).to(clips.dtype)
        offsets = crop_offsets(len(items), self.crop_pad, generator)
        return shift_crop(clips, offsets), data.ef[videos], shift_crop(masks, offsets), data.bank.alpha[items]

    def loss(self, model: nn.Module, batch: tuple[Tensor, ...]) -> Tensor:
        clips, ef, masks, alpha = batch
        output = model(clips)
        auxiliary = auxiliary_loss(output.masks.float(), masks, alpha)
        return anchor_loss(output.scores.float(), output.offsets.float(), ef) + self.auxiliary_weight * auxiliary
