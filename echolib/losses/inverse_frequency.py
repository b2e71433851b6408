"""Weights by the inverse frequency of a label, raw or its square root (SQINV)."""

from echolib.losses.label_frequency import label_bins, label_counts, mean_one, tempered
from echolib.shapes import Labels, LabelWeights


def frequency_weights(labels: Labels, power: float = 0.5, clip: tuple[float, float] = (5.0, 1000.0)) -> LabelWeights:
    """Inverse frequency of each label's bin, mean 1: SQINV with power 0.5, INV (counts clipped) with power 1."""
    return mean_one(1 / tempered(label_counts(labels), power, clip)[label_bins(labels)])
