"""Tables and figures, in one style."""

from echolib.report.cardiac_cycle import area_over_time, mean_over_cycle
from echolib.report.claims import claim_outcomes, forest_plot
from echolib.report.ef_agreement import bland_altman, coverage_curves, ef_scatter, roc_curves
from echolib.report.ef_distribution import ef_population, sample_weights
from echolib.report.ef_errors import error_by_ef, errors_by_class
from echolib.report.embeddings import embedding_maps
from echolib.report.findings import claims_in_words
from echolib.report.frame_montage import frame_montage
from echolib.report.learning_curves import learning_curves
from echolib.report.overlays import activation_overlays, image_grid, keypoint_overlays, mask_overlays
from echolib.report.player import Scene, outlined, player
from echolib.report.published import beside_published
from echolib.report.saving import DPI, save_figure
from echolib.report.score_curves import dice_by_fraction, noise_curves, parameter_sweep
from echolib.report.style import (
    CLASS_COLOURS,
    COLUMN,
    GREY,
    PAGE,
    PALETTE,
    STRUCTURE_COLOURS,
    corner_note,
    panels,
    style,
)
from echolib.report.tables import save_table

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
    "bland_altman",
    "claim_outcomes",
    "claims_in_words",
    "corner_note",
    "coverage_curves",
    "dice_by_fraction",
    "ef_population",
    "ef_scatter",
    "embedding_maps",
    "error_by_ef",
    "errors_by_class",
    "forest_plot",
    "frame_montage",
    "image_grid",
    "keypoint_overlays",
    "learning_curves",
    "mask_overlays",
    "mean_over_cycle",
    "noise_curves",
    "outlined",
    "panels",
    "parameter_sweep",
    "player",
    "roc_curves",
    "sample_weights",
    "save_figure",
    "save_table",
    "style",
]
