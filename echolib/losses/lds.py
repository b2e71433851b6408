"""Weights by label distribution smoothing (Yang et al. 2021)."""

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float64
from scipy.ndimage import gaussian_filter1d

from echolib.losses.label_frequency import label_bins, label_counts, mean_one, tempered
from echolib.shapes import Labels, LabelWeights


def lds_kernel(size: int = 5, sigma: float = 2.0) -> Float64[np.ndarray, " tap"]:
    """Taps (size,) of label distribution smoothing, greatest 1: an impulse filtered with reflecting ends."""
    if size < 1 or size % 2 == 0:
        raise ValueError(f"a kernel has an odd number of taps, not {size}")
    impulse = np.zeros(size)
    impulse[size // 2] = 1
    taps = gaussian_filter1d(impulse, sigma)
    return taps / taps.max()


def lds_weights(
    labels: Labels, power: float = 0.5, size: int = 5, sigma: float = 2.0, clip: tuple[float, float] = (5.0, 1000.0)
) -> LabelWeights:
    """Label distribution smoothing (Yang et al. 2021, Sec. 3.1): inverse of the tempered counts smoothed over
    neighbouring bins, mean 1."""
    taps = torch.as_tensor(lds_kernel(size, sigma), dtype=torch.float32, device=labels.device)
    counts = tempered(label_counts(labels), power, clip)
    smoothed = F.conv1d(counts.view(1, 1, -1), taps.view(1, 1, -1), padding=size // 2).view(-1)
    return mean_one(1 / smoothed[label_bins(labels)])
