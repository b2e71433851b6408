"""Overlap of masks."""

from typing import NamedTuple

import numpy as np


class Overlap(NamedTuple):
    """Pixels that a predicted and a labelled mask share, and that each has: all that any Dice needs of an image."""

    intersection: np.ndarray
    predicted: np.ndarray
    labelled: np.ndarray


def overlap(prediction, label) -> Overlap:
    """Pixel counts of masks (..., height, width), true inside -> three arrays (...)."""
    prediction, label = np.asarray(prediction, dtype=bool), np.asarray(label, dtype=bool)
    if prediction.shape != label.shape:
        raise ValueError(f"masks of different shape: predicted {prediction.shape}, labelled {label.shape}")
    return Overlap(*(np.count_nonzero(masks, axis=(-2, -1)) for masks in (prediction & label, prediction, label)))


def dice(intersection, predicted, labelled) -> np.ndarray:
    """Dice = 2 |A and B| / (|A| + |B|) from pixel counts, elementwise; 1 where both masks are empty."""
    intersection, both = np.asarray(intersection, dtype=np.float64), np.add(predicted, labelled, dtype=np.float64)
    return np.divide(2 * intersection, both, out=np.ones(np.shape(both)), where=both > 0)[()]


def pooled_dice(intersection, predicted, labelled) -> np.ndarray:
    """Dice of all images' pixels taken together, from pixel counts (..., images) -> (...).

    Large ventricles weigh more than in the mean over images; Ouyang et al. (Nature 2020) report this one.
    """
    return dice(*(np.sum(counts, axis=-1) for counts in (intersection, predicted, labelled)))


def dice_per_image(prediction, label) -> np.ndarray:
    """Dice of each pair of masks (..., height, width) -> (...)."""
    return dice(*overlap(prediction, label))


def dice_pooled(prediction, label) -> np.ndarray:
    """Dice over the pixels of all the masks (..., images, height, width) together -> (...)."""
    return pooled_dice(*overlap(prediction, label))
