"""EF by anchors on a video encoder: M1 of Chen and Li's Table 2."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from echolib.data.loaders.clips import EFVideos
from echolib.engine.task import Parent
from echolib.losses.anchors import anchor_loss, decode_anchors
from echolib.models.anchors import AnchorHead
from echolib.models.video import load_kinetics, video_encoder
from echolib.shapes import Clip, EFPercent, Scalar
from echolib.tasks.video_ef import VideoEF


class AnchorEF(VideoEF):
    """Anchor-based classification and regression of EF (Chen and Li, Sec. 2.3)."""

    def build(self, data: EFVideos, parents: Mapping[str, Parent]) -> tuple[nn.Module, str]:
        encoder = self._encoder()
        start = load_kinetics(encoder, self.network) if self.weights == "kinetics" else "random"
        return self.build_on(encoder), start

    def make_network(self) -> nn.Module:
        return self.build_on(self._encoder())

    def _encoder(self) -> nn.Module:
        return video_encoder(self.network, self.width, self.blocks)

    def build_on(self, encoder: nn.Module) -> nn.Module:
        """The network on an encoder that has its published weights by now."""
        encoder.fc = AnchorHead(encoder.fc.in_features, mean=self.first_ef)
        return encoder

    def loss(self, model: nn.Module, batch: tuple[Clip, EFPercent]) -> Scalar:
        clips, ef = batch
        scores, offsets = model(clips)
        return anchor_loss(scores.float(), offsets.float(), ef)

    def ejection_fraction(self, output: Any) -> EFPercent:
        return decode_anchors(output.scores.float(), output.offsets.float())
