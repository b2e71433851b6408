"""Feature distribution smoothing (Yang et al. 2021): features moved to the statistics of neighbouring labels."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from echolib.losses.label_frequency import BINS, label_bins
from echolib.losses.lds import lds_kernel
from echolib.shapes import Features, Labels


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

    def forward(self, features: Features, labels: Labels) -> Features:
        """features (N, D), labels (N,) -> calibrated features (N, D)."""
        if not self.training or int(self.updates) == 0:
            return features
        row = label_bins(labels, self.bins)
        ratio = (self.smooth_variance[row] / self.variance[row].clamp(min=1e-10)).clamp(0.1, 10)
        moved = (features - self.mean[row]) * ratio.sqrt() + self.smooth_mean[row]
        usable = self.seen[row, None] & (self.variance[row] > 1e-10)  # a constant feature has no scale to correct
        return torch.where(usable, moved, features)

    @torch.no_grad()
    def update(self, features: Features, labels: Labels) -> None:
        """Takes in all training features (N, D) of an epoch: running statistics by bin, then their smoothed form."""
        row = label_bins(labels, self.bins)
        count = torch.bincount(row, minlength=self.bins).to(features.dtype)[:, None]
        total = torch.zeros_like(self.mean).index_add(0, row, features)
        mean = total / count.clamp(min=1)
        squares = torch.zeros_like(self.mean).index_add(0, row, (features - mean[row]) ** 2)
        variance = squares / (count - 1).clamp(min=1)
        present, keep = count[:, 0] > 0, self.momentum * self.seen[:, None].to(features.dtype)
        self.mean = torch.where(present[:, None], keep * self.mean + (1 - keep) * mean, self.mean)
        self.variance = torch.where(present[:, None], keep * self.variance + (1 - keep) * variance, self.variance)
        self.seen = self.seen | present
        self.smooth_mean, self.smooth_variance = self._smoothed(self.mean), self._smoothed(self.variance)
        self.updates += 1

    def _smoothed(self, statistic: Float[Tensor, "bin feature"]) -> Float[Tensor, "bin feature"]:
        """The kernel over neighbouring bins (bins, D) -> (bins, D)."""
        pad, taps = len(self.kernel) // 2, self.kernel.view(1, 1, -1)
        seen = self.seen.to(statistic.dtype)
        with torch.autocast(statistic.device.type, enabled=False):  # a convolution's eight bits would be kept all epoch
            weighted = F.conv1d((statistic * seen[:, None]).T.unsqueeze(1), taps, padding=pad).squeeze(1).T
            share = F.conv1d(seen.view(1, 1, -1), taps, padding=pad).view(-1, 1)
        return weighted / share.clamp(min=1e-10)
