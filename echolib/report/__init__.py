"""Tables and figures, in one style."""

from echolib.report.attention_figures import activation_overlays, noise_curves, over_cycle
from echolib.report.ejection_figures import calibration, ef_population, ef_scatter, error_by_ef, roc_curves
from echolib.report.heart_figures import area_over_time, frame_montage
from echolib.report.imbalance_figures import errors_by_class, feature_maps, sample_weights, swept
from echolib.report.multitask_figures import differences, points_over
from echolib.report.player import Scene, outlined, player
from echolib.report.published import beside_published
from echolib.report.saving import DPI, save_figure
from echolib.report.scorecard_figure import outcomes
from echolib.report.segmentation_figures import dice_by_fraction, image_rows, outlines
from echolib.report.style import CLASS_COLOURS, COLUMN, GREY, PAGE, PALETTE, STRUCTURE_COLOURS, mark, panels, style
from echolib.report.tables import save_table
from echolib.report.training_figures import learning_curves

__all__ = [
    "CLASS_COLOURS",
    "COLUMN",
    "DPI",
    "GREY",
    "PAGE",
    "PALETTE",
    "STRUCTURE_COLOURS",
    "Scene",
    "activation_overlays",
    "area_over_time",
    "beside_published",
    "calibration",
    "dice_by_fraction",
    "differences",
    "ef_population",
    "ef_scatter",
    "error_by_ef",
    "errors_by_class",
    "feature_maps",
    "frame_montage",
    "image_rows",
    "learning_curves",
    "mark",
    "noise_curves",
    "outcomes",
    "outlined",
    "outlines",
    "over_cycle",
    "panels",
    "player",
    "points_over",
    "roc_curves",
    "sample_weights",
    "save_figure",
    "save_table",
    "style",
    "swept",
]
