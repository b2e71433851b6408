"""Figures of merit: ejection fraction, masks, keypoints, and how sure we are of them.

Every statistic reduces the last axis and broadcasts over the others, so that thousands of bootstrap resamples are one
call on a (resamples, items) array.
"""

from echolib.metrics.bootstrap import (
    Interval,
    MeanSpread,
    bootstrap_distribution,
    bootstrap_interval,
    mean_and_spread,
)
from echolib.metrics.calibration import (
    calibration_curve,
    expected_calibration_error,
    gaussian_coverage,
    interval_probability,
)
from echolib.metrics.comparison import Difference, paired_difference
from echolib.metrics.conformal import conformal_half_width, interval_coverage
from echolib.metrics.ejection import (
    AUC_THRESHOLDS,
    CLASSES,
    auc,
    auc_scores,
    ef_scores,
    geometric_mean_error,
    heart_failure_class,
    mae,
    r2,
    rmse,
)
from echolib.metrics.embeddings import spread
from echolib.metrics.masks import Overlap, dice, dice_per_image, mean_mask_dice, overlap, pooled_dice
from echolib.metrics.points import keypoint_error
from echolib.metrics.surface import SurfaceDistance, surface_distance
from echolib.metrics.variance import interval_over_seeds

__all__ = [
    "AUC_THRESHOLDS",
    "CLASSES",
    "Difference",
    "Interval",
    "MeanSpread",
    "Overlap",
    "SurfaceDistance",
    "auc",
    "auc_scores",
    "bootstrap_distribution",
    "bootstrap_interval",
    "calibration_curve",
    "conformal_half_width",
    "dice",
    "dice_per_image",
    "ef_scores",
    "expected_calibration_error",
    "gaussian_coverage",
    "geometric_mean_error",
    "heart_failure_class",
    "interval_coverage",
    "interval_over_seeds",
    "interval_probability",
    "keypoint_error",
    "mae",
    "mean_and_spread",
    "mean_mask_dice",
    "overlap",
    "paired_difference",
    "pooled_dice",
    "r2",
    "rmse",
    "spread",
    "surface_distance",
]
