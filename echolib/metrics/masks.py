"""Overlap of masks, of NumPy arrays and torch tensors alike."""

from typing import NamedTuple

from echolib.shapes import AnyCounts, AnyImageCounts, AnyImageMasks, AnyMasks, AnyStatistic, AnyTrainingMasks


class Overlap(NamedTuple):
    """Pixels that a predicted and a labelled mask share, and that each has: all that any Dice needs of an image."""

    intersection: AnyCounts
    predicted: AnyCounts
    labelled: AnyCounts


def overlap(prediction: AnyMasks, label: AnyMasks) -> Overlap:
    """Pixel counts of masks (..., height, width), true inside -> three integer arrays or tensors (...).

    Raises ValueError where the two differ in shape.
    """
    if prediction.shape != label.shape:
        raise ValueError(f"masks of different shape: predicted {prediction.shape}, labelled {label.shape}")
    prediction, label = prediction != 0, label != 0
    return Overlap(*(masks.sum((-2, -1)) for masks in (prediction & label, prediction, label)))


def dice(intersection: AnyCounts, predicted: AnyCounts, labelled: AnyCounts) -> AnyStatistic:
    """Dice = 2 |A and B| / (|A| + |B|) from pixel counts, elementwise. Two empty masks agree: their Dice is 1."""
    total = predicted + labelled
    both_empty = total == 0
    return (2 * intersection + both_empty) / (total + both_empty)


def pooled_dice(intersection: AnyImageCounts, predicted: AnyImageCounts, labelled: AnyImageCounts) -> AnyStatistic:
    """Dice of all images' pixels taken together, from pixel counts (..., images) -> (...).

    Large ventricles weigh more than in the mean over images; Ouyang et al. (Nature 2020) report this one.
    """
    return dice(*(counts.sum(-1) for counts in (intersection, predicted, labelled)))


def mean_mask_dice(training: AnyTrainingMasks, masks: AnyImageMasks) -> AnyStatistic:
    """Dice of masks (images, ..., H, W) with the one that a method without eyes predicts for every image: the mean of
    the training masks (training, ..., H, W), thresholded at 1/2 -> (images, ...).

    Raises ValueError where there is no training mask, or where the two differ in shape.
    """
    if not len(training) or training.shape[1:] != masks.shape[1:]:
        raise ValueError(f"no mean of {tuple(training.shape)} training masks to hold against {tuple(masks.shape)}")
    mean = 2 * (training != 0).sum(0) > len(training)
    return dice((mean & (masks != 0)).sum((-2, -1)), mean.sum((-2, -1)), (masks != 0).sum((-2, -1)))


def dice_per_image(prediction: AnyMasks, label: AnyMasks) -> AnyStatistic:
    """Dice of each pair of masks (..., height, width), true inside -> (...)."""
    return dice(*overlap(prediction, label))
