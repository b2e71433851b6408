"""Shapes of the left ventricle: tracings, masks, discs, volumes, ejection fractions, beats, keypoints and walls.

Points are (x, y) in pixels, x to the right and y downwards, pixel centres at whole numbers; spacings are (row, column)
in mm; volumes in mL; ejection fractions in percent. Apical views are expected with the apex towards the top.
"""

from echolib.geometry.beats import Beats, KeyFrames, beat_clip_starts, find_beats, key_frames
from echolib.geometry.heatmaps import decode_heatmaps, heatmaps, to_cells, to_pixels
from echolib.geometry.keypoints import APICAL_KEYPOINTS, apical_keypoints
from echolib.geometry.tracings import mask_contour, tracing_mask, tracing_polygon
from echolib.geometry.volumes import (
    CamusEF,
    Discs,
    LongAxis,
    camus_ef,
    disc_volume_ml,
    ejection_fraction,
    mask_area_cm2,
    mask_area_px,
    mask_discs,
    mask_long_axis,
    tracing_discs,
)
from echolib.geometry.walls import WallMeasures, lv_mass_g, relative_wall_thickness, wall_measures

__all__ = [
    "APICAL_KEYPOINTS",
    "Beats",
    "CamusEF",
    "Discs",
    "KeyFrames",
    "LongAxis",
    "WallMeasures",
    "apical_keypoints",
    "beat_clip_starts",
    "camus_ef",
    "decode_heatmaps",
    "disc_volume_ml",
    "ejection_fraction",
    "find_beats",
    "heatmaps",
    "key_frames",
    "lv_mass_g",
    "mask_area_cm2",
    "mask_area_px",
    "mask_contour",
    "mask_discs",
    "mask_long_axis",
    "relative_wall_thickness",
    "to_cells",
    "to_pixels",
    "tracing_discs",
    "tracing_mask",
    "tracing_polygon",
    "wall_measures",
]
