"""How often each label occurs. Labels are EF in percent, (N,), on any device; bins are one EF point wide."""

import torch
from jaxtyping import Int64
from torch import Tensor

from echolib.shapes import LabelCounts, Labels, LabelWeights

BINS = 100


def label_bins(labels: Labels, bins: int = BINS) -> Int64[Tensor, " batch"]:
    """The bin of each label, 0 to bins - 1; what lies outside belongs to the nearest."""
    if labels.dim() != 1 or not len(labels):
        raise ValueError(f"labels are (N,) with N > 0, got {tuple(labels.shape)}")
    return labels.floor().long().clamp(0, bins - 1)


def label_counts(labels: Labels, bins: int = BINS) -> LabelCounts:
    """How many labels lie in each bin: float32 (bins,)."""
    return torch.bincount(label_bins(labels, bins), minlength=bins).float()


def mean_one(weights: LabelWeights) -> LabelWeights:
    """Weights divided by their mean."""
    return weights / weights.mean()


def tempered(counts: LabelCounts, power: float, clip: tuple[float, float]) -> LabelCounts:
    """Counts as the public code of Yang et al. (2021) tempers them: the root, or the clipped count."""
    if power == 0.5:
        return counts.sqrt()
    if power == 1.0:
        return counts.clamp(*clip)
    raise ValueError(f"power is 0.5 (square root) or 1.0, not {power}")
