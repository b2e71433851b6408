"""UVT (Reynaud et al., MICCAI 2021): EF and the phase of every frame from a video of any length, by a transformer over
frame embeddings."""

import math
from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from echolib.models.width import scaled_channels
from echolib.shapes import Clip, EFPercent, Embeddings, FramePhases, Images

EMBEDDING = 1024  # of a frame
LEVELS = (8, 16, 32, 64)  # channels of the encoder's levels
DEEPEST = 128  # channels of its output
INTERMEDIATE = 8  # of a transformer layer's perceptron, over the embedding
HEADS = 16
MIN_CHANNELS = 4  # of a level, at any width
GRID = 32  # frames are padded to the next multiple of this: 112 to 128 pixels as released
SLOPE = 0.05  # of the heads' leaky ReLU


class UVTOutput(NamedTuple):
    """What UVT predicts of a clip."""

    ef: EFPercent
    phase: FramePhases  # 1 at end diastole, -1 at end systole, between them in between


class UVT(nn.Module):
    """Clips (batch, 3, frames, H, W) of any number of frames -> `UVTOutput`. 346,871,234 parameters at full size for
    clips of 112 x 112 pixels.

    As released there is no encoding of position: EF does not depend on the order of the frames, and a frame's phase
    depends on the others as a set. EF is read from the mean of all layers' hidden states, averaged over frames.

    size: pixels of a side, which the encoder's last layer is made for. blocks: residual blocks per level of the
    encoder; layers: of the transformer. mean: EF in percent at which the head's bias starts.
    """

    def __init__(self, width: int = 64, size: int = 112, blocks: int = 8, layers: int = 16, mean: float = 55.6) -> None:
        super().__init__()
        embedding = scaled_channels(EMBEDDING, width)  # at least one channel for each of the 16 heads
        self.encoder = FrameEncoder(width, size, blocks, embedding)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                embedding, HEADS, INTERMEDIATE * embedding, 0.1, "gelu", layer_norm_eps=1e-12, batch_first=True
            )
            for _ in range(layers)
        )
        self.ef = nn.Sequential(*_hidden(embedding, embedding // 2), nn.Linear(embedding // 2, 1))
        self.phase = nn.Sequential(
            *_hidden(embedding, embedding // 2),
            *_hidden(embedding // 2, embedding // 4),
            nn.Linear(embedding // 4, 1),
        )
        nn.init.constant_(self.ef[-1].bias, math.log(mean / (100 - mean)))

    def forward(self, clips: Clip) -> UVTOutput:
        batch, frames = len(clips), clips.shape[2]
        hidden = self.encoder(clips.transpose(1, 2).flatten(0, 1)).unflatten(0, (batch, frames))
        total = hidden
        for layer in self.layers:
            hidden = layer(hidden)
            total = total + hidden
        states = total / (len(self.layers) + 1)
        ef = self.ef(states).squeeze(2).mean(1)  # before the sigmoid, as released
        return UVTOutput(100 * ef.sigmoid(), self.phase(states).squeeze(2).tanh())


class FrameEncoder(nn.Module):
    """The encoder of a residual auto-encoder: images (N, 3, size, size) -> embeddings (N, embedding) within -1 to 1.

    Each level is a row of residual blocks and a convolution that halves the image and doubles the channels; what comes
    out of every level's blocks also reaches the last image, a sixteenth of the side, by one strided convolution.
    """

    def __init__(self, width: int, size: int, blocks: int, embedding: int) -> None:
        super().__init__()
        levels = [max(MIN_CHANNELS, scaled_channels(channels, width)) for channels in (*LEVELS, DEEPEST)]
        deepest = levels[-1]
        self.padding = (-size) % GRID
        self.first = _conv(3, levels[0], 3)
        self.blocks = nn.ModuleList(
            nn.Sequential(*(ResidualBlock(channels) for _ in range(blocks))) for channels in levels[:-1]
        )
        self.down = nn.ModuleList(_conv(inputs, outputs, 2, stride=2) for inputs, outputs in pairwise(levels))
        strides = [2 ** (len(LEVELS) - level) for level in range(len(LEVELS))]
        self.skips = nn.ModuleList(
            _conv(channels, deepest, stride, stride=stride) for channels, stride in zip(levels, strides, strict=False)
        )
        self.last = _conv(deepest, deepest, 3)
        self.linear = nn.Linear(deepest * ((size + self.padding) // strides[0]) ** 2, embedding)

    def forward(self, images: Images) -> Embeddings:
        before, after = self.padding // 2, self.padding - self.padding // 2
        images = self.first(F.pad(images, (before, after, before, after)))
        skipped = []
        for blocks, down, skip in zip(self.blocks, self.down, self.skips, strict=True):
            images = blocks(images)
            skipped.append(skip(images))
            images = down(images)
        images = self.last(images + torch.stack(skipped).sum(0))
        return self.linear(images.flatten(1)).tanh()


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions, each with batch normalisation and ReLU, added to their input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(_conv(channels, channels, 3), _conv(channels, channels, 3))

    def forward(self, images: Tensor) -> Tensor:
        return images + self.layers(images)


def _conv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """A convolution that keeps the image's size (stride 1) or reads patches without overlap (stride = kernel)."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2 if stride == 1 else 0)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


def _hidden(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    return nn.Linear(inputs, outputs), nn.LayerNorm(outputs), nn.LeakyReLU(SLOPE)
