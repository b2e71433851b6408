"""Attention on the channels of video features: TCA and S-TCA (Chen and Li), and what they are set against, SE and ME.

All take and give features X (batch, C, T, H, W), and are placed by `attend` after the stages of a video encoder.
"""

from collections.abc import Callable
from functools import reduce
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from echolib.models.video import STAGES

FEWEST_HIDDEN = 4


class _LocalMaximum(torch.autograd.Function):
    """`local_maximum` frame by frame, so that neighbours are met in the processor's cache; keeps nothing but X."""

    @staticmethod
    def forward(ctx, x: Tensor, window: int) -> Tensor:
        ctx.save_for_backward(x)
        ctx.window = window
        return torch.stack([reduce(torch.maximum, near).mean((2, 3)) for near in _neighbours(x, window)], 2)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        towards = torch.zeros_like(x)
        each = (gradient / (x.shape[3] * x.shape[4])).unbind(2)
        for near, share, g in zip(_neighbours(x, ctx.window), _neighbours(towards, ctx.window), each, strict=True):
            highest = reduce(torch.maximum, near)
            is_highest = [torch.eq(frame, highest, out=torch.empty_like(frame)) for frame in near]
            g = g[..., None, None] / reduce(torch.add, is_highest)
            for frame, chosen in zip(share, is_highest, strict=True):
                frame.addcmul_(chosen, g)
        return towards, None


def _neighbours(x: Tensor, window: int) -> list[tuple[Tensor, ...]]:
    """For each frame of X the frames (batch, C, H, W) of its window that exist."""
    frames, reach = x.unbind(2), window // 2
    return [frames[max(0, t - reach) : t + reach + 1] for t in range(len(frames))]


def local_maximum(x: Tensor, window: int) -> Tensor:
    """Spatial mean of the maximum over `window` neighbouring frames: X (batch, C, T, H, W) -> (batch, C, T).

    At the ends of a clip over the frames that exist. Where several are highest, they share the gradient.
    """
    if not torch.compiler.is_compiling():
        return _LocalMaximum.apply(x, window)
    reach, length = window // 2, x.shape[2]  # a compiler fuses the plain expression into one pass
    padded = F.pad(x, (0, 0, 0, 0, reach, reach), value=-torch.inf)
    return reduce(torch.maximum, (padded[:, :, k : k + length] for k in range(window))).mean((3, 4))


def _hidden(channels: int, reduction: int) -> int:
    """C / r, at least the 4 of a published encoder's first stage: a single unit behind a ReLU is often never on."""
    return max(FEWEST_HIDDEN, channels // reduction)


def local_mean(x: Tensor, window: int) -> Tensor:
    """Spatial mean of the mean over `window` neighbouring frames, those that exist: (batch, C, T, H, W) -> (batch, C,
    T). The two means commute, so the temporal one is taken of T numbers a channel."""
    return F.avg_pool1d(x.mean((3, 4)), window, 1, window // 2, count_include_pad=False)


class TCA(nn.Module):
    """Temporal channel-wise attention (Sec. 2.1): channels that change from frame to frame are excited.

    Eq. 1: E = sigmoid(W2 * ReLU(W1 * (mean_hw max_t X - mean_hw mean_t X))), Eq. 2: X' = X . E + X. The convolutions
    have no bias, so that a static clip, which has no motion, gives exactly 1.5 X.
    window: neighbouring frames over which maximum and mean are taken, odd; the paper says "adjacent frames".
    """

    def __init__(self, channels: int, reduction: int = 16, window: int = 3) -> None:
        super().__init__()
        if window % 2 == 0 or window < 1:
            raise ValueError(f"window is an odd number of frames, not {window}")
        hidden = _hidden(channels, reduction)
        self.window = window
        self.reduce = nn.Conv1d(channels, hidden, 1, bias=False)
        self.expand = nn.Conv1d(hidden, channels, 1, bias=False)

    def gate(self, x: Tensor) -> Tensor:
        """E of Eq. 1: (batch, C, T), between 0 and 1."""
        motion = local_maximum(x, self.window) - local_mean(x, self.window)
        return torch.sigmoid(self.expand(torch.relu(self.reduce(motion))))

    def forward(self, x: Tensor) -> Tensor:
        return x * (1 + self.gate(x)[..., None, None])  # Eq. 2 in one pass over X


class STCA(TCA):
    """TCA whose gate sees the left ventricle alone (Sec. 2.2.1): mask (batch, 1, H, W) in 0 to 1, the same at all T."""

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        return x * (1 + self.gate(x * mask.unsqueeze(2))[..., None, None])


class SE(nn.Module):
    """Squeeze and excitation (Hu et al. 2018) with its squeeze over space and time: X' = X . s, s (batch, C)."""

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        hidden = _hidden(channels, reduction)
        self.reduce, self.expand = nn.Linear(channels, hidden), nn.Linear(hidden, channels)

    def gate(self, x: Tensor) -> Tensor:
        """(batch, C), between 0 and 1."""
        return torch.sigmoid(self.expand(torch.relu(self.reduce(x.mean((2, 3, 4))))))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gate(x)[..., None, None, None]


class ME(nn.Module):
    """Motion excitation (TEA, Li et al. 2020): channels of what a frame adds to the one before it are excited.

    gate "paper" is X' = X + X . (2 sigmoid - 1), "released" the authors' code, X + X . (sigmoid - 0.5). The last frame
    has none after it: its motion is 0.
    """

    def __init__(self, channels: int, reduction: int = 16, gate: Literal["paper", "released"] = "paper") -> None:
        super().__init__()
        hidden = _hidden(channels, reduction)
        self.scale = {"paper": 2.0, "released": 1.0}[gate]
        self.reduce = nn.Sequential(nn.Conv3d(channels, hidden, 1, bias=False), nn.BatchNorm3d(hidden))
        self.channelwise = nn.Conv3d(hidden, hidden, (1, 3, 3), padding=(0, 1, 1), groups=hidden, bias=False)
        self.expand = nn.Sequential(nn.Conv1d(hidden, channels, 1, bias=False), nn.BatchNorm1d(channels))

    def gate(self, x: Tensor) -> Tensor:
        """What X is multiplied by and added to X: (batch, C, T), between -1 and 1 ("paper") or -0.5 and 0.5."""
        reduced = self.reduce(x)
        motion = self.channelwise(reduced)[:, :, 1:] - reduced[:, :, :-1]
        motion = F.pad(motion.mean((3, 4)), (0, 1))
        return self.scale * (torch.sigmoid(self.expand(motion)) - 0.5)

    def forward(self, x: Tensor) -> Tensor:
        return x * (1 + self.gate(x)[..., None, None])


def attend(
    encoder: nn.Module,
    make: Callable[[int], nn.Module],
    stages: tuple[str, ...] = STAGES,
    place: Literal["stage", "block"] = "stage",
) -> None:
    """Puts make(channels) after the named stages of a video encoder, or after each of their residual blocks.

    Published weights are to be loaded before: blocks change their numbers.
    """
    for name in stages:
        blocks = list(getattr(encoder, name))
        channels = _output_channels(blocks[-1])
        last = len(blocks) - 1
        attended = [
            each
            for k, block in enumerate(blocks)
            for each in (block, *([make(channels)] if k == last or place == "block" else []))
        ]
        setattr(encoder, name, nn.Sequential(*attended))


def _output_channels(block: nn.Module) -> int:
    """Channels that a residual block gives: those of its last batch normalisation on the main path."""
    return [m for m in block.conv2.modules() if isinstance(m, nn.BatchNorm3d)][-1].num_features


def attention_modules(encoder: nn.Module) -> dict[str, nn.Module]:
    """The attention modules of an encoder by the name of their place, in the order in which a clip meets them."""
    return {name: module for name, module in encoder.named_modules() if isinstance(module, TCA | SE | ME)}
