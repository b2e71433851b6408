"""Statistics of labelled apical frames, simulated or real: size, shape, position, grey levels and speckle."""

import numpy as np
import pandas as pd

# The real CAMUS four-chamber frames: means (size, position) or medians (grey levels) over 499 patients; local SD and
# speckle are means over 120 patients resampled to pixels of 0.6 mm. Measured by us on the data of S. Leclerc et al.,
# IEEE TMI 38(9):2198-2210, 2019.
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


PROFILE = [f"w{k:02d}" for k in range(20)]  # columns of the width profile


def frame_statistics(images: np.ndarray, labels: np.ndarray, spacing_mm: float) -> pd.DataFrame:
    """One row per frame; the columns are the rows of REAL_FOUR_CHAMBER, and the width of the cavity at 20 discs from
    apex to base over the long axis (w00 to w19).

    images, labels (N, H, W), uint8, with classes 0 background, 1 cavity, 2 myocardium, 3 atrium; spacing_mm, isotropic.
    The probe is taken to sit above the middle of the top edge. Where there is no cavity with an atrium below it, what
    needs the long axis is NaN.
    """
    rows = [_statistics_of(image, label, spacing_mm) for image, label in zip(images, labels, strict=True)]
    return pd.DataFrame(rows, columns=[*REAL_FOUR_CHAMBER.index, *PROFILE], dtype=float)


def _statistics_of(image: np.ndarray, label: np.ndarray, spacing_mm: float) -> dict[str, float]:
    cavity, wall, atrium = (label == structure for structure in (1, 2, 3))
    background = (label == 0) & (image > 0)
    statistics = {
        "lv_area_cm2": cavity.sum() * spacing_mm**2 / 100,
        "myocardium_area_cm2": wall.sum() * spacing_mm**2 / 100,
        "atrium_area_cm2": atrium.sum() * spacing_mm**2 / 100,
        **_long_axis(cavity, atrium, spacing_mm),
    }
    grey = image.astype(np.float32)
    for name, mask in (("lv", cavity), ("myocardium", wall), ("background", background)):
        statistics[f"grey_{name}"] = grey[mask].mean() if mask.any() else np.nan
    statistics["myocardium_to_lv"] = statistics["grey_myocardium"] / statistics["grey_lv"]
    window = max(3, round(2.5 / spacing_mm) | 1)
    for name, mask in (("lv", cavity), ("myocardium", wall)):
        statistics[f"local_sd_{name}"] = _local_sd(grey, mask, window)
    axial, lateral = _speckle_size(grey, cavity, spacing_mm)
    return statistics | {"speckle_axial_mm_lv": axial, "speckle_lateral_mm_lv": lateral}


def _long_axis(cavity: np.ndarray, atrium: np.ndarray, spacing_mm: float) -> dict[str, float]:
    """Axis from the middle of the mitral plane (where the cavity touches the atrium) to the farthest cavity point."""
    from scipy.ndimage import binary_dilation

    rows, columns = np.nonzero(cavity & binary_dilation(atrium, iterations=2))
    if len(rows) < 2:
        return {}
    hinges = [(columns[k], rows[k]) for k in (columns.argmin(), columns.argmax())]
    base = np.mean(hinges, axis=0)
    rows, columns = np.nonzero(cavity)
    points = np.stack([columns, rows], -1) - base
    distance = np.hypot(*points.T)
    apex = points[distance >= distance.max() - 1].mean(0)
    length = np.hypot(*apex)
    along = points @ (apex / length)
    across = points @ np.array([-apex[1], apex[0]]) / length
    disc = np.clip(((1 - along / length) * 20).astype(int), 0, 19)
    widths = np.array([np.ptp(across[disc == k]) + 1 if (disc == k).any() else np.nan for k in range(20)])
    return {
        "long_axis_mm": length * spacing_mm,
        "max_width_mm": np.nanmax(widths) * spacing_mm,
        "tilt_deg": np.degrees(np.arctan2(apex[0], -apex[1])),
        "apex_depth_mm": (base + apex)[1] * spacing_mm,
        "base_depth_mm": base[1] * spacing_mm,
        **dict(zip(PROFILE, widths / length, strict=True)),
    }


def _local_sd(grey: np.ndarray, mask: np.ndarray, window: int) -> float:
    """Median SD of the grey levels in windows (pixels wide and high) that lie wholly inside the mask."""
    from scipy.ndimage import binary_erosion, uniform_filter

    inner = binary_erosion(mask, np.ones((window, window)))
    if not inner.any():
        return np.nan
    mean = uniform_filter(grey, window)
    variance = uniform_filter(grey * grey, window) - mean * mean
    return float(np.median(np.sqrt(np.clip(variance[inner], 0, None))))


def _speckle_size(grey: np.ndarray, mask: np.ndarray, spacing_mm: float) -> tuple[float, float]:
    """FWHM (mm) of the autocovariance inside the mask along rows (axial) and columns (lateral), slow trends removed."""
    from scipy.ndimage import binary_erosion, uniform_filter

    window = max(5, round(6 / spacing_mm) | 1)
    weight = binary_erosion(mask, iterations=3).astype(np.float32)
    if weight.sum() < 50:
        return np.nan, np.nan
    trend = uniform_filter(grey * weight, window) / np.maximum(uniform_filter(weight, window), 1e-3)
    residual = (grey - trend) * weight
    lags = max(4, round(5 / spacing_mm))
    axial, lateral = (_fwhm(_autocovariance(residual, weight, axis, lags)) * spacing_mm for axis in (0, 1))
    return axial, lateral


def _autocovariance(residual: np.ndarray, weight: np.ndarray, axis: int, lags: int) -> np.ndarray:
    """Autocovariance (lags,) along an axis over that at lag 0; weight is 1 where the residual counts, 0 elsewhere."""
    residual, weight = np.moveaxis(residual, axis, 0), np.moveaxis(weight, axis, 0)
    values = []
    for lag in range(lags):
        first, second = slice(0, len(residual) - lag), slice(lag, None)
        products = (residual[first] * residual[second]).sum()
        values.append(products / max((weight[first] * weight[second]).sum(), 1))
    return np.array(values) / values[0]


def _fwhm(covariance: np.ndarray) -> float:
    """Full width at half maximum, in lags, of a covariance (lags,) that starts at 1; NaN where it never falls below."""
    below = int(np.argmax(covariance < 0.5))
    if below == 0:
        return np.nan
    share = (covariance[below - 1] - 0.5) / (covariance[below - 1] - covariance[below])
    return 2 * (below - 1 + share)
