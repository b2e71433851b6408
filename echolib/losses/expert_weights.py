"""Weights of the labels for EchoMEN's experts (Lai et al. 2024, Eq. 4)."""

from typing import Literal

import numpy as np
import torch

from echolib.losses.label_frequency import BINS, label_bins, label_counts, mean_one
from echolib.shapes import Labels, LabelWeights

RELEASED_CLIP = (80.0, 1000.0)  # bounds of EchoMEN's counts, for its 7,460 training videos
RELEASED_VIDEOS = 7460


def expert_weights(
    labels: Labels,
    power: float,
    form: Literal["printed", "released"] = "printed",
    clip: tuple[float, float] | None = None,
) -> LabelWeights:
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
        low, high = (max(1.0, bound * len(labels) / RELEASED_VIDEOS) for bound in RELEASED_CLIP)
    else:
        low, high = clip
    clipped = counts.clamp(low, high).cpu().numpy()
    between = np.interp(labels.cpu().numpy(), np.arange(BINS) + 0.5, clipped)
    return mean_one(torch.as_tensor(between, dtype=torch.float32, device=labels.device) ** -power)
