"""Temporal channel-wise attention (Chen and Li, Sec. 2.1)."""

from functools import reduce

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from echolib.models.channel_attention import ChannelAttention, hidden_channels
from echolib.shapes import ChannelGate, VideoFeatures


class _LocalMaximum(torch.autograd.Function):
    """`local_maximum` frame by frame, so that neighbouring frames stay in the processor's cache; saves X alone."""

    @staticmethod
    def forward(ctx, x: Tensor, window: int) -> Tensor:
        ctx.save_for_backward(x)
        ctx.window = window
        return torch.stack([reduce(torch.maximum, frames).mean((2, 3)) for frames in _neighbours(x, window)], 2)

    @staticmethod
    # pyrefly: ignore[bad-override]  (torch types it with any number of gradients)
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        gradient_x = torch.zeros_like(x)
        windows, gradient_windows = _neighbours(x, ctx.window), _neighbours(gradient_x, ctx.window)
        by_frame = (gradient / (x.shape[3] * x.shape[4])).unbind(2)
        for frames, gradient_frames, g in zip(windows, gradient_windows, by_frame, strict=True):
            highest = reduce(torch.maximum, frames)
            is_highest = [torch.eq(frame, highest, out=torch.empty_like(frame)) for frame in frames]
            g = g[..., None, None] / reduce(torch.add, is_highest)
            for gradient_frame, chosen in zip(gradient_frames, is_highest, strict=True):
                gradient_frame.addcmul_(chosen, g)
        return gradient_x, None


def _neighbours(x: Tensor, window: int) -> list[tuple[Tensor, ...]]:
    """For each frame of X the frames (batch, C, H, W) of its window that exist."""
    frames, reach = x.unbind(2), window // 2
    return [frames[max(0, t - reach) : t + reach + 1] for t in range(len(frames))]


def local_maximum(x: VideoFeatures, window: int) -> ChannelGate:
    """Spatial mean of the maximum over `window` neighbouring frames: X (batch, C, T, H, W) -> (batch, C, T).

    At the ends of a clip over the frames that exist. Where several are highest, they share the gradient.
    """
    if not torch.compiler.is_compiling():
        return _LocalMaximum.apply(x, window)
    reach, length = window // 2, x.shape[2]  # a compiler fuses the plain expression into one pass
    padded = F.pad(x, (0, 0, 0, 0, reach, reach), value=-torch.inf)
    return reduce(torch.maximum, (padded[:, :, k : k + length] for k in range(window))).mean((3, 4))


def local_mean(x: VideoFeatures, window: int) -> ChannelGate:
    """Spatial mean of the mean over `window` neighbouring frames, those that exist: (batch, C, T, H, W) -> (batch, C,
    T). The two means commute, so the temporal one is taken of T numbers per channel."""
    return F.avg_pool1d(x.mean((3, 4)), window, 1, window // 2, count_include_pad=False)


class TCA(ChannelAttention):
    """Temporal channel-wise attention (Sec. 2.1): channels that change from frame to frame are excited.

    Eq. 1: E = sigmoid(W2 * ReLU(W1 * (mean_hw max_t X - mean_hw mean_t X))), Eq. 2: X' = X . E + X. The convolutions
    have no bias, so that a static clip, which has no motion, gives exactly 1.5 X.
    window: neighbouring frames over which maximum and mean are taken, odd; the paper says "adjacent frames".
    """

    def __init__(self, channels: int, reduction: int = 16, window: int = 3) -> None:
        super().__init__()
        if window % 2 == 0 or window < 1:
            raise ValueError(f"window is an odd number of frames, not {window}")
        hidden = hidden_channels(channels, reduction)
        self.window = window
        self.reduce = nn.Conv1d(channels, hidden, 1, bias=False)
        self.expand = nn.Conv1d(hidden, channels, 1, bias=False)

    def gate(self, x: VideoFeatures) -> ChannelGate:
        """E of Eq. 1: (batch, C, T), between 0 and 1."""
        motion = local_maximum(x, self.window) - local_mean(x, self.window)
        return torch.sigmoid(self.expand(torch.relu(self.reduce(motion))))

    def forward(self, x: VideoFeatures) -> VideoFeatures:
        return x * (1 + self.gate(x)[..., None, None])  # Eq. 2 in one pass over X
