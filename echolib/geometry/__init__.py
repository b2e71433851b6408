"""Shapes of the left ventricle: tracings, masks, long axes, discs, volumes, ejection fractions and beats.

Points are (x, y) in pixels, x to the right and y downwards, pixel centres at whole numbers; spacings are (row, column)
in mm; volumes in mL; ejection fractions in percent. Apical views are expected with the apex towards the top.
"""

from echolib.geometry.beats import Beats, KeyFrames, beat_clip_starts, find_beats, key_frames
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

__all__ = [
    "Beats",
    "CamusEF",
    "Discs",
    "KeyFrames",
    "LongAxis",
    "beat_clip_starts",
    "camus_ef",
    "disc_volume_ml",
    "ejection_fraction",
    "find_beats",
    "key_frames",
    "mask_area_cm2",
    "mask_area_px",
    "mask_contour",
    "mask_discs",
    "mask_long_axis",
    "tracing_discs",
    "tracing_mask",
    "tracing_polygon",
]
