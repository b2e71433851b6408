"""Figures of labelled apical frames: size, shape, position, grey levels and speckle; simulated or real alike."""

import numpy as np
import pandas as pd

# The real CAMUS four-chamber frames: means (size, place) or medians (grey) over 499 patients; local SD and speckle are
# means over 120 patients brought to pixels of 0.6 mm. S. Leclerc et al., IEEE TMI 38(9):2198-2210, 2019; our figures.
REAL_FOUR_CHAMBER = pd.DataFrame(
    [
        ("lv_area_cm2", 29.7, 19.5),
        ("long_axis_mm", 76.3, 65.1),
        ("max_width_mm", 45.9, 35.9),
        ("tilt_deg", -11.3, -8.4),
        ("apex_depth_mm", 31.4, 33.5),
        ("base_depth_mm", 105.6, 97.4),
        ("myocardium_area_cm2", 23.8, 23.0),
        ("atrium_area_cm2", 13.1, 17.3),
        ("grey_lv", 65.0, 67.0),
        ("grey_myocardium", 101.0, 107.0),
        ("grey_background", 100.0, 94.0),
        ("myocardium_to_lv", 1.57, 1.57),
        ("local_sd_lv", 6.7, 7.1),
        ("local_sd_myocardium", 11.3, 11.4),
        ("speckle_axial_mm_lv", 1.60, 1.55),
        ("speckle_lateral_mm_lv", 2.59, 2.30),
    ],
    columns=["figure", "ED", "ES"],
).set_index("figure")


def frame_statistics(images: np.ndarray, labels: np.ndarray, spacing_mm: float) -> pd.DataFrame:
    """One row a frame, columns as the rows of REAL_FOUR_CHAMBER, plus the half-width profile w00..w19 over the axis.

    images, labels (N, H, W) uint8 with classes 0 background, 1 cavity, 2 myocardium, 3 atrium; spacing_mm isotropic.
    The probe is taken to sit above the middle of the top edge. Frames without a cavity and an atrium below it give NaN.
    """
    rows = [_one(image, label, spacing_mm) for image, label in zip(images, labels, strict=True)]
    names = [f"w{k:02d}" for k in range(20)]
    return pd.DataFrame(rows, columns=[*REAL_FOUR_CHAMBER.index, *names], dtype=float)


def _one(image: np.ndarray, label: np.ndarray, spacing: float) -> dict[str, float]:
    cavity, wall, atrium = (label == k for k in (1, 2, 3))
    background = (label == 0) & (image > 0)
    axis = _long_axis(cavity, atrium, spacing, image.shape[1])
    figures = {
        "lv_area_cm2": cavity.sum() * spacing**2 / 100,
        "myocardium_area_cm2": wall.sum() * spacing**2 / 100,
        "atrium_area_cm2": atrium.sum() * spacing**2 / 100,
        **axis,
    }
    grey = image.astype(np.float32)
    for name, mask in (("lv", cavity), ("myocardium", wall), ("background", background)):
        figures[f"grey_{name}"] = grey[mask].mean() if mask.any() else np.nan
    figures["myocardium_to_lv"] = figures["grey_myocardium"] / figures["grey_lv"]
    size = max(3, round(2.5 / spacing) | 1)
    for name, mask in (("lv", cavity), ("myocardium", wall)):
        figures[f"local_sd_{name}"] = _local_sd(grey, mask, size)
    figures["speckle_axial_mm_lv"], figures["speckle_lateral_mm_lv"] = _speckle_size(grey, cavity, spacing)
    return figures


def _long_axis(cavity: np.ndarray, atrium: np.ndarray, spacing: float, width: int) -> dict[str, float]:
    """Axis from the middle of the mitral plane (where the cavity touches the atrium) to the farthest cavity point."""
    from scipy.ndimage import binary_dilation

    rows, columns = np.nonzero(cavity & binary_dilation(atrium, iterations=2))
    if len(rows) < 2:
        return {}
    ends = [(columns[k], rows[k]) for k in (columns.argmin(), columns.argmax())]
    middle = np.mean(ends, axis=0)
    rows, columns = np.nonzero(cavity)
    points = np.stack([columns, rows], -1) - middle
    far = np.hypot(*points.T)
    apex = points[far >= far.max() - 1].mean(0)
    length = np.hypot(*apex)
    along = points @ (apex / length)
    across = points @ np.array([-apex[1], apex[0]]) / length
    disc = np.clip(((1 - along / length) * 20).astype(int), 0, 19)
    widths = np.array([np.ptp(across[disc == k]) + 1 if (disc == k).any() else np.nan for k in range(20)])
    return {
        "long_axis_mm": length * spacing,
        "max_width_mm": np.nanmax(widths) * spacing,
        "tilt_deg": np.degrees(np.arctan2(apex[0], -apex[1])),
        "apex_depth_mm": (middle + apex)[1] * spacing,
        "base_depth_mm": middle[1] * spacing,
        **{f"w{k:02d}": w / length for k, w in enumerate(widths)},
    }


def _local_sd(grey: np.ndarray, mask: np.ndarray, size: int) -> float:
    """Median SD within small windows that lie wholly inside the mask."""
    from scipy.ndimage import binary_erosion, uniform_filter

    inner = binary_erosion(mask, np.ones((size, size)))
    if not inner.any():
        return np.nan
    mean = uniform_filter(grey, size)
    variance = uniform_filter(grey * grey, size) - mean * mean
    return float(np.median(np.sqrt(np.clip(variance[inner], 0, None))))


def _speckle_size(grey: np.ndarray, mask: np.ndarray, spacing: float) -> tuple[float, float]:
    """FWHM (mm) of the autocovariance inside the mask along rows (axial) and columns (lateral), slow trends removed."""
    from scipy.ndimage import binary_erosion, uniform_filter

    window = max(5, round(6 / spacing) | 1)
    weight = binary_erosion(mask, iterations=3).astype(np.float32)
    if weight.sum() < 50:
        return np.nan, np.nan
    trend = uniform_filter(grey * weight, window) / np.maximum(uniform_filter(weight, window), 1e-3)
    rest = (grey - trend) * weight
    sizes = []
    for axis in (0, 1):
        values = []
        for lag in range(max(4, round(5 / spacing))):
            here, there = (slice(0, grey.shape[axis] - lag), slice(lag, None))
            pick = [slice(None)] * 2
            a, b = (tuple(s if k == axis else p for k, p in enumerate(pick)) for s in (here, there))
            values.append((rest[a] * rest[b]).sum() / max((weight[a] * weight[b]).sum(), 1))
        values = np.array(values) / values[0]
        below = int(np.argmax(values < 0.5))
        if below == 0:
            sizes.append(np.nan)
            continue
        part = (values[below - 1] - 0.5) / (values[below - 1] - values[below])
        sizes.append(2 * (below - 1 + part) * spacing)
    return sizes[0], sizes[1]
