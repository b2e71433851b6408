"""EchoGNN (Mokhtari et al., MICCAI 2022): EF by a graph over the frames of a clip, with a weight for every frame."""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor, nn

from echolib.models.width import scaled_channels
from echolib.shapes import Clip, EFPercent, FrameEmbeddings

CHANNELS = (16, 32, 64, 128, 256)  # of the five convolutional blocks; the last is the size of a frame's embedding
HIDDEN = 128  # of the networks that weigh frames and pairs of frames
GRAPH = (128, 64, 32)  # of the three graph convolutions
HEAD = 16
CLASSES = 4  # of EF, cut at 30, 40 and 55 percent
SELF_LOOP = 2.0
MIN_CHANNELS = 4  # of a layer, at any width: with fewer the network would carry nothing


class FrameGraph(NamedTuple):
    """What EchoGNN predicts of a clip. Weights lie in (0, 1]; the largest of each clip is 1."""

    ef: EFPercent
    classes: Float[Tensor, "batch 4"]  # logits
    nodes: Float[Tensor, "batch frame"]  # the weight of each frame
    edges: Float[Tensor, "batch frame frame"]  # the weight with which frame i receives from frame j; 0 on the diagonal


class EchoGNN(nn.Module):
    """Clips (batch, 1, frames, H, W) of at least 32 x 32 pixels -> `FrameGraph`. Colour clips become the mean of their
    channels. 1,764,695 parameters at width 64 and 64 frames.

    frames: the clip length, since batch normalisation in the graph keeps statistics of each position in it.
    dropout: of fully connected and graph layers, 0.5 as released; a tenth of it after convolutions.
    mean: EF in percent at which the head's bias starts.
    """

    def __init__(self, width: int = 64, frames: int = 64, dropout: float = 0.5, mean: float = 55.6) -> None:
        super().__init__()
        embedding, hidden = _size(CHANNELS[-1], width), _size(HIDDEN, width)
        self.frames = FrameEmbedding([_size(channels, width) for channels in CHANNELS], dropout)
        self.nodes = NodeWeights(embedding, hidden, dropout)
        self.edges = EdgeWeights(embedding, hidden, dropout)
        sizes = [_size(size, width) for size in GRAPH]
        self.graph = nn.ModuleList(
            GraphLayer(inputs, outputs, frames, dropout)
            for inputs, outputs in zip([embedding, *sizes[:-1]], sizes, strict=True)
        )
        self.readout = nn.Sequential(
            nn.Linear(sizes[-1], sizes[-1]), nn.BatchNorm1d(frames), nn.ELU(), nn.Dropout(dropout),
            nn.Linear(sizes[-1], sizes[-1]), nn.ELU(),
        )  # fmt: skip
        self.ef, self.classes = (_head(sizes[-1], _size(HEAD, width), n, dropout) for n in (1, CLASSES))
        nn.init.constant_(self.ef[-1].bias, math.log(mean / (100 - mean)))

    def forward(self, clips: Clip) -> FrameGraph:
        embedded = self.frames(clips.mean(1, keepdim=True))
        nodes, edges = self.nodes(embedded), self.edges(embedded)
        for layer in self.graph:
            embedded = layer(embedded, edges)
        clip = (nodes.unsqueeze(2) * self.readout(embedded)).mean(1)
        return FrameGraph(100 * self.ef(clip).squeeze(1).sigmoid(), self.classes(clip), nodes, edges)


class FrameEmbedding(nn.Module):
    """Grey clips (batch, 1, frames, H, W) -> an embedding of each frame (batch, frames, channels[-1]), in which the
    blocks' temporal kernels have mixed its neighbours, with the frame's position added as sines and cosines."""

    def __init__(self, channels: list[int], dropout: float) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            ConvBlock(inputs, outputs, dropout / 10)
            for inputs, outputs in zip([1, *channels[:-1]], channels, strict=True)
        )
        self.linear = nn.Linear(channels[-1], channels[-1])
        self.dropout = nn.Dropout(dropout)

    def forward(self, clips: Clip) -> FrameEmbeddings:
        for block in self.blocks:
            clips = block(clips)
        embedded = F.relu(self.linear(clips.mean((3, 4)).transpose(1, 2)))
        return self.dropout(embedded + positional_encoding(*embedded.shape[1:], like=embedded))


class ConvBlock(nn.Module):
    """3x3x3 convolution with batch normalisation plus a 1x1x1 convolution -> mean over 2 x 2 pixels -> ELU."""

    def __init__(self, inputs: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.conv = nn.Conv3d(inputs, outputs, 3, padding=1)
        self.norm = nn.BatchNorm3d(outputs)
        self.skip = nn.Conv3d(inputs, outputs, 1)
        self.pool = nn.AvgPool3d((1, 2, 2))
        self.dropout = nn.Dropout3d(dropout)

    def forward(self, clips: Tensor) -> Tensor:
        return self.dropout(F.elu(self.pool(self.norm(self.conv(clips)) + self.skip(clips))))


def positional_encoding(frames: int, size: int, like: Tensor) -> Float[Tensor, "frame size"]:
    """The sinusoidal encoding of positions 0 to frames - 1 (Vaswani et al. 2017): (frames, size), size even."""
    position = torch.arange(frames, device=like.device).unsqueeze(1)
    angle = position * 10_000 ** (-torch.arange(0, size, 2, device=like.device) / size)
    return torch.stack((angle.sin(), angle.cos()), 2).flatten(1).to(like.dtype)


class Perceptron(nn.Module):
    """Two layers with ELU, then batch normalisation over all items: (batch, items, inputs) -> (batch, items, size)."""

    def __init__(self, inputs: int, size: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(inputs, size), nn.ELU(), nn.Dropout(dropout), nn.Linear(size, size), nn.ELU()
        )
        self.norm = nn.BatchNorm1d(size)

    def forward(self, items: Tensor) -> Tensor:
        return self.norm(self.layers(items).transpose(1, 2)).transpose(1, 2)


class PairMessages(nn.Module):
    """The message of every ordered pair of different frames, after one round of messages between the frames
    (the encoder of Kipf et al. 2018): (batch, frames, inputs) -> (batch, frames * (frames - 1), size)."""

    def __init__(self, inputs: int, size: int, dropout: float) -> None:
        super().__init__()
        self.first_frames = Perceptron(inputs, size, dropout)
        self.first_pairs = Perceptron(2 * size, size, dropout)
        self.frames = Perceptron(size, size, dropout)
        self.pairs = Perceptron(3 * size, size, dropout)

    def forward(self, embedded: FrameEmbeddings) -> Float[Tensor, "batch pair size"]:
        receivers, senders = frame_pairs(embedded.shape[1], embedded.device)
        frames = self.first_frames(embedded)
        first = self.first_pairs(torch.cat((frames[:, senders], frames[:, receivers]), 2))
        frames = self.frames(mean_received(first, embedded.shape[1]))
        return self.pairs(torch.cat((frames[:, senders], frames[:, receivers], first), 2))


def frame_pairs(frames: int, device: torch.device) -> tuple[Int64[Tensor, " pair"], Int64[Tensor, " pair"]]:
    """The receiver and the sender of every ordered pair of different frames, grouped by the receiver."""
    receivers = torch.arange(frames, device=device).unsqueeze(1).expand(frames, frames - 1)
    senders = (receivers + torch.arange(1, frames, device=device)) % frames
    return receivers.flatten(), senders.flatten()


def mean_received(pairs: Float[Tensor, "batch pair size"], frames: int) -> Float[Tensor, "batch frame size"]:
    """The mean over the pairs in which each frame is the receiver: (batch, pairs, size) -> (batch, frames, size)."""
    return pairs.unflatten(1, (frames, frames - 1)).mean(2)


class EdgeWeights(nn.Module):
    """(batch, frames, inputs) -> `FrameGraph.edges`."""

    def __init__(self, inputs: int, size: int, dropout: float) -> None:
        super().__init__()
        self.messages = PairMessages(inputs, size, dropout)
        self.score = nn.Linear(size, 1)

    def forward(self, embedded: FrameEmbeddings) -> Float[Tensor, "batch frame frame"]:
        weights = relative_to_largest(self.score(self.messages(embedded)).squeeze(2))
        frames = embedded.shape[1]
        edges = weights.new_zeros(len(weights), frames, frames)
        edges[:, *frame_pairs(frames, weights.device)] = weights
        return edges


class NodeWeights(nn.Module):
    """(batch, frames, inputs) -> `FrameGraph.nodes`."""

    def __init__(self, inputs: int, size: int, dropout: float) -> None:
        super().__init__()
        self.messages = PairMessages(inputs, size, dropout)
        self.frames = Perceptron(size, size, dropout)
        self.score = nn.Linear(size, 1)

    def forward(self, embedded: FrameEmbeddings) -> Float[Tensor, "batch frame"]:
        frames = self.frames(mean_received(self.messages(embedded), embedded.shape[1]))
        return relative_to_largest(self.score(frames).squeeze(2))


def relative_to_largest(scores: Float[Tensor, "batch item"]) -> Float[Tensor, "batch item"]:
    """Sigmoid of scores (batch, items), divided by the largest of each clip."""
    weights = scores.float().sigmoid()
    return weights / weights.amax(1, keepdim=True)


class GraphLayer(nn.Module):
    """A dense graph convolution, batch normalisation of each position in the clip, ELU, dropout."""

    def __init__(self, inputs: int, outputs: int, frames: int, dropout: float) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)
        self.norm = nn.BatchNorm1d(frames)
        self.dropout = nn.Dropout(dropout)

    def forward(self, embedded: FrameEmbeddings, edges: Float[Tensor, "batch frame frame"]) -> Tensor:
        mixed = propagation(edges).to(embedded.dtype) @ embedded
        return self.dropout(F.elu(self.norm(self.linear(mixed))))


def propagation(edges: Float[Tensor, "batch frame frame"]) -> Float[Tensor, "batch frame frame"]:
    """D^-1/2 A D^-1/2, where A is `edges` with self-loops of weight 2 and D its row sums (Kipf and Welling 2017)."""
    adjacency = edges + SELF_LOOP * torch.eye(edges.shape[1], device=edges.device, dtype=edges.dtype)
    root = adjacency.sum(2).rsqrt()
    return root.unsqueeze(2) * adjacency * root.unsqueeze(1)


def _head(inputs: int, hidden: int, outputs: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, hidden), nn.BatchNorm1d(hidden), nn.ELU(), nn.Dropout(dropout), nn.Linear(hidden, outputs)
    )


def _size(channels: int, width: int) -> int:
    return max(MIN_CHANNELS, scaled_channels(channels, width))
