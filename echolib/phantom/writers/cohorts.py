"""What the writers share: names of a cohort, points in pixels, and what only a simulation knows."""

import numpy as np

from echolib.phantom.anatomy.beating_heart import BeatingHeart
from echolib.phantom.scanner.scan_geometry import PixelGrid

TRUTH_HEADER = [
    "item", "frame", "volume_ml", "contraction", "phase", "beat", "heart_rate_bpm", "irregular", "quality", "mm_per_px",
]  # fmt: skip


def hashed_names(rng: np.random.Generator, count: int) -> list[str]:
    """Unique names like those of the dataset: 0X and sixteen hexadecimal digits."""
    return [f"0X{value:016X}" for value in rng.integers(2**60, 2**63, count, dtype=np.uint64)]


def to_pixels(points_mm: np.ndarray, view: PixelGrid) -> np.ndarray:
    """Probe-frame points (..., 2) as (x, z) mm -> pixel coordinates (x, y) of the first picture of a view."""
    origin = np.array([float(view.left[0]), float(view.top[0])])
    spacing = np.array([float(view.spacing[0, 1]), float(view.spacing[0, 0])])
    return (points_mm - origin) / spacing


def truth_rows(name: str, clip: BeatingHeart, quality: float, spacing: float) -> list[list]:
    """What only a simulation knows, one row per frame."""
    curve = clip.cycle
    return [
        [name, k, round(float(clip.volumes_ml[k]), 4), round(float(curve.contraction[k]), 5),
         round(float(curve.phase[k]), 5), int(curve.beat[k]), round(clip.heart_rate, 2), int(clip.irregular), quality,
         round(spacing, 6)]
        for k in range(len(clip.volumes_ml))
    ]  # fmt: skip
