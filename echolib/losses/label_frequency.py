"""How rare a label is: weights by label frequency, raw, smoothed or interpolated, and smoothed feature statistics.

Labels are EF in percent, (N,), on any device; bins are one EF point wide. Weights are float32 (N,) on that device.
"""

from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from scipy.ndimage import gaussian_filter1d
from torch import Tensor, nn

BINS = 100
RELEASED_CLIP = (80.0, 1000.0)  # bounds of EchoMEN's counts, for its 7,460 training videos
RELEASED_VIDEOS = 7460


def label_bins(labels: Tensor, bins: int = BINS) -> Tensor:
    """The bin of each label, 0 to bins - 1; what lies outside belongs to the nearest."""
    if labels.dim() != 1 or not len(labels):
        raise ValueError(f"labels are (N,) with N > 0, got {tuple(labels.shape)}")
    return labels.floor().long().clamp(0, bins - 1)


def label_counts(labels: Tensor, bins: int = BINS) -> Tensor:
    """How many labels lie in each bin: float32 (bins,)."""
    return torch.bincount(label_bins(labels, bins), minlength=bins).float()


def _mean_one(weights: Tensor) -> Tensor:
    return weights / weights.mean()


def _tempered(counts: Tensor, power: float, clip: tuple[float, float]) -> Tensor:
    """Counts as the public code of Yang et al. (2021) tempers them: the root, or the clipped count."""
    if power == 0.5:
        return counts.sqrt()
    if power == 1.0:
        return counts.clamp(*clip)
    raise ValueError(f"power is 0.5 (square root) or 1.0, not {power}")


def frequency_weights(labels: Tensor, power: float = 0.5, clip: tuple[float, float] = (5.0, 1000.0)) -> Tensor:
    """Inverse frequency of each label's bin, mean 1: SQINV with power 0.5, INV (counts clipped) with power 1."""
    return _mean_one(1 / _tempered(label_counts(labels), power, clip)[label_bins(labels)])


def lds_kernel(size: int = 5, sigma: float = 2.0) -> np.ndarray:
    """Taps (size,) of label distribution smoothing, greatest 1: an impulse filtered with reflecting ends."""
    if size < 1 or size % 2 == 0:
        raise ValueError(f"a kernel has an odd number of taps, not {size}")
    impulse = np.zeros(size)
    impulse[size // 2] = 1
    taps = gaussian_filter1d(impulse, sigma)
    return taps / taps.max()


def lds_weights(
    labels: Tensor, power: float = 0.5, size: int = 5, sigma: float = 2.0, clip: tuple[float, float] = (5.0, 1000.0)
) -> Tensor:
    """Label distribution smoothing (Yang et al. 2021, Sec. 3.1): inverse of the tempered counts smoothed over
    neighbouring bins, mean 1."""
    taps = torch.as_tensor(lds_kernel(size, sigma), dtype=torch.float32, device=labels.device)
    counts = _tempered(label_counts(labels), power, clip)
    smoothed = F.conv1d(counts.view(1, 1, -1), taps.view(1, 1, -1), padding=size // 2).view(-1)
    return _mean_one(1 / smoothed[label_bins(labels)])


def expert_weights(
    labels: Tensor,
    power: float,
    form: Literal["printed", "released"] = "printed",
    clip: tuple[float, float] | None = None,
) -> Tensor:
    """Weight of each label for the expert of exponent `power` = p_m (Lai et al. 2024, Eq. 4).

    "printed": the count of the label's bin to the power -p. "released": counts clipped, interpolated between bin
    centres, to the power -p, mean 1. clip: by default the script's 80 to 1,000 of 7,460 videos, in proportion.
    """
    counts = label_counts(labels)
    if form == "printed":
        return counts[label_bins(labels)] ** -power
    if form != "released":
        raise ValueError(f'form is "printed" or "released", not {form!r}')
    if clip is None:
        clip = tuple(max(1.0, bound * len(labels) / RELEASED_VIDEOS) for bound in RELEASED_CLIP)
    clipped = counts.clamp(*clip).cpu().numpy()
    between = np.interp(labels.cpu().numpy(), np.arange(BINS) + 0.5, clipped)
    return _mean_one(torch.as_tensor(between, dtype=torch.float32, device=labels.device) ** -power)


class FDS(nn.Module):
    """Feature distribution smoothing (Yang et al. 2021, Sec. 3.2): features are moved from the mean and variance of
    their label's bin to those smoothed over neighbouring bins.

    Without effect until the first `update`, and in evaluation mode. Everything is a buffer, so a state dict resumes it.
    The kernel's weight is shared among bins that have been seen: a bin without videos has no statistics to lend. The
    public code counts such bins as mean 0 and variance 1, and takes effect an epoch later than its text and this.
    """

    def __init__(
        self, features: int, bins: int = BINS, kernel_size: int = 5, sigma: float = 2.0, momentum: float = 0.9
    ) -> None:
        super().__init__()
        self.bins, self.momentum = bins, momentum
        kernel = torch.as_tensor(lds_kernel(kernel_size, sigma), dtype=torch.float32)
        self.register_buffer("kernel", kernel / kernel.sum())
        self.register_buffer("updates", torch.zeros((), dtype=torch.long))
        self.register_buffer("seen", torch.zeros(bins, dtype=torch.bool))
        for name in ("mean", "smooth_mean"):
            self.register_buffer(name, torch.zeros(bins, features))
        for name in ("variance", "smooth_variance"):
            self.register_buffer(name, torch.ones(bins, features))

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """features (N, D), labels (N,) -> calibrated features (N, D)."""
        if not self.training or int(self.updates) == 0:
            return features
        row = label_bins(labels, self.bins)
        ratio = (self.smooth_variance[row] / self.variance[row].clamp(min=1e-10)).clamp(0.1, 10)
        moved = (features - self.mean[row]) * ratio.sqrt() + self.smooth_mean[row]
        usable = self.seen[row, None] & (self.variance[row] > 1e-10)  # a constant feature has no scale to correct
        return torch.where(usable, moved, features)

    @torch.no_grad()
    def update(self, features: Tensor, labels: Tensor) -> None:
        """Takes in all training features (N, D) of an epoch: running statistics by bin, then their smoothed form."""
        row = label_bins(labels, self.bins)
        count = torch.bincount(row, minlength=self.bins).to(features.dtype)[:, None]
        total = torch.zeros_like(self.mean).index_add(0, row, features)
        mean = total / count.clamp(min=1)
        squares = torch.zeros_like(self.mean).index_add(0, row, (features - mean[row]) ** 2)
        variance = squares / (count - 1).clamp(min=1)
        here, keep = count[:, 0] > 0, self.momentum * self.seen[:, None].to(features.dtype)
        self.mean = torch.where(here[:, None], keep * self.mean + (1 - keep) * mean, self.mean)
        self.variance = torch.where(here[:, None], keep * self.variance + (1 - keep) * variance, self.variance)
        self.seen = self.seen | here
        self.smooth_mean, self.smooth_variance = self._smoothed(self.mean), self._smoothed(self.variance)
        self.updates += 1

    def _smoothed(self, statistic: Tensor) -> Tensor:
        """The kernel over neighbouring bins (bins, D) -> (bins, D)."""
        pad, taps = len(self.kernel) // 2, self.kernel.view(1, 1, -1)
        seen = self.seen.to(statistic.dtype)
        with torch.autocast(statistic.device.type, enabled=False):  # a convolution's eight bits would be kept all epoch
            over = F.conv1d((statistic * seen[:, None]).T.unsqueeze(1), taps, padding=pad).squeeze(1).T
            share = F.conv1d(seen.view(1, 1, -1), taps, padding=pad).view(-1, 1)
        return over / share.clamp(min=1e-10)
