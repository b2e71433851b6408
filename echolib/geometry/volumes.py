"""From a mask or a tracing to the long axis, disc diameters, volumes and ejection fraction."""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from echolib.geometry.tracings import mask_contour
from echolib.shapes import MaskArray, MaskArrays, MaskCounts, Quantity, SpacingMm, Statistic, Tracings

DISCS = 20
CORNER_WEIGHT = 0.5  # lateral against axial distance where the mitral corners are sought; on CAMUS within 0.1 EF points


class LongAxis(NamedTuple):
    """The line from apex to mid mitral plane; NaN throughout for an empty mask.

    apex, base: (2,) x, y in pixels; annulus: (2, 2) the two ends of the mitral plane, left first; length_mm from apex
    to base; tilt_deg: angle to the image's vertical, positive where the base lies to the right of the apex.
    """

    apex: np.ndarray
    base: np.ndarray
    annulus: np.ndarray
    length_mm: float
    tilt_deg: float


class Discs(NamedTuple):
    """The discs of a view: diameters_mm (..., discs) from apex to base, length_mm (...) of the long axis."""

    diameters_mm: np.ndarray
    length_mm: Statistic


class CamusEF(NamedTuple):
    """EF in percent and the end-diastolic and end-systolic volumes in whole mL it came from, each (...)."""

    ef_percent: Statistic
    edv_ml: Statistic
    esv_ml: Statistic


def mask_area_px(masks: MaskArrays) -> MaskCounts:
    """Area in pixels of each mask: (..., height, width) -> (...)."""
    return np.count_nonzero(np.asarray(masks), axis=(-2, -1))


def mask_area_cm2(masks: MaskArrays, spacing_mm: SpacingMm) -> Statistic:
    """Area in cm2 of each mask: (..., height, width) with spacing (row, column) in mm -> (...)."""
    return mask_area_px(masks) * (spacing_mm[0] * spacing_mm[1] / 100)


def mask_long_axis(mask: MaskArray, spacing_mm: SpacingMm = (1.0, 1.0), atrium: MaskArray | None = None) -> LongAxis:
    """The long axis of a ventricle: from the middle of the mitral plane to the farthest point of the outline.

    The mitral plane is where the ventricle touches the left atrium. Without an atrium (or where the two do not touch)
    it spans the two lower corners of the outline: the points farthest along the axis towards the base plus half their
    distance to either side of it.

    Parameters
    ----------
    mask : (height, width), true in the cavity. Its largest connected part counts, with holes filled.
    spacing_mm : size of a pixel (row, column) in mm.
    atrium : (height, width), true in the left atrium, or None.

    Returns
    -------
    LongAxis, in the pixels of the mask.
    """
    cavity, atrium, corner = _cut_out(mask, atrium)
    axis = _axis_of(cavity, spacing_mm, atrium)
    return axis._replace(apex=axis.apex + corner, base=axis.base + corner, annulus=axis.annulus + corner)


def mask_discs(
    mask: MaskArray, spacing_mm: SpacingMm = (1.0, 1.0), atrium: MaskArray | None = None, discs: int = DISCS
) -> Discs:
    """Diameters of equally thick discs stacked along the long axis, measured at right angles to it at their middles.

    Parameters
    ----------
    mask, spacing_mm, atrium : as for `mask_long_axis`.
    discs : their number, 20 by the recommendations of the American Society of Echocardiography (Lang et al. 2015).

    Returns
    -------
    Discs; NaN throughout for an empty mask.
    """
    cavity, atrium, _ = _cut_out(mask, atrium)
    axis = _axis_of(cavity, spacing_mm, atrium)
    if not axis.length_mm > 0:
        return Discs(np.full(discs, np.nan), np.float64(axis.length_mm))
    pixel_mm = np.array(spacing_mm[::-1], dtype=np.float64)
    apex, base = axis.apex * pixel_mm, axis.base * pixel_mm
    along = (base - apex) / axis.length_mm
    across = np.array([-along[1], along[0]])
    reach = np.abs((mask_contour(cavity) * pixel_mm - apex) @ across).max() + pixel_mm.max()
    step = pixel_mm.min() / 4
    offsets = np.arange(-reach, reach + step, step)
    depths = (np.arange(discs) + 0.5) / discs * axis.length_mm
    points = (apex + depths[:, None, None] * along + offsets[None, :, None] * across) / pixel_mm
    inside = ndimage.map_coordinates(cavity.astype(np.float32), points[..., ::-1].transpose(2, 0, 1), order=1)
    return Discs(inside.sum(axis=1, dtype=np.float64) * step, np.float64(axis.length_mm))


def tracing_discs(tracing: Tracings, cm_per_px: Quantity) -> Discs:
    """The discs of EchoNet-Dynamic tracings: row 0 is the long axis, each further row the diameter of a disc.

    Parameters
    ----------
    tracing : (..., rows, 4) array of x1, y1, x2, y2 in pixels.
    cm_per_px : size of a (square) pixel in cm, a number or (...).

    Returns
    -------
    Discs, from apex to base as far as the tracing's rows are.
    """
    tracing = np.asarray(tracing, dtype=np.float64)
    mm = np.hypot(tracing[..., 2] - tracing[..., 0], tracing[..., 3] - tracing[..., 1])
    mm = mm * (10 * np.asarray(cm_per_px, dtype=np.float64)[..., None])
    return Discs(mm[..., 1:], mm[..., 0])


def disc_volume_ml(discs: Discs, other: Discs | None = None) -> Statistic:
    """Volume in mL by the method of discs (modified Simpson), single plane or, with a second view, biplane.

    V = pi/4 * L/n * sum_i a_i b_i with the diameters a, b of the two views (b = a in a single plane), n discs and the
    longer of the two long axes L (Lang et al., J Am Soc Echocardiogr 2015).

    Parameters
    ----------
    discs, other : the discs of one view, (..., discs) diameters each, and of the other view at the same instant.

    Returns
    -------
    (...) volumes in mL; NaN where a diameter is.
    """
    other = discs if other is None else other
    length = np.maximum(discs.length_mm, other.length_mm)
    return _stack_ml([discs, other], length)


def ejection_fraction(edv: Quantity, esv: Quantity) -> Statistic:
    """Ejection fraction in percent, 100 (EDV - ESV) / EDV; NaN where the end-diastolic volume is not positive.

    edv, esv: numbers or arrays that broadcast, both in one unit.
    """
    edv, esv = np.broadcast_arrays(np.asarray(edv, dtype=np.float64), np.asarray(esv, dtype=np.float64))
    return np.divide(100 * (edv - esv), edv, out=np.full(edv.shape, np.nan), where=edv > 0)[()]


def camus_ef(ed: tuple[Discs, ...], es: tuple[Discs, ...]) -> CamusEF:
    """EF by the rule of the CAMUS challenge: one disc thickness for both instants, volumes rounded to whole mL.

    The thickness is that of the longest of all the long axes (four in biplane), so that the shortening of the axis
    does not count: the EF lies below that of `disc_volume_ml`. Never mix the two.

    Parameters
    ----------
    ed, es : the discs at end diastole and end systole, each of the two-chamber and the four-chamber view, or of one
        view alone for a single plane.

    Returns
    -------
    CamusEF, of the leading axes of the discs.

    Raises
    ------
    ValueError : not one or two views, the same at both instants.
    """
    if len(ed) != len(es) or len(ed) not in (1, 2):
        raise ValueError(f"one or two views at both instants, got {len(ed)} and {len(es)}")
    length = np.maximum.reduce([view.length_mm for view in (*ed, *es)])
    edv, esv = (np.round(_stack_ml([views[0], views[-1]], length)) for views in (ed, es))
    return CamusEF(ejection_fraction(edv, esv), edv, esv)


def _stack_ml(views: list[Discs], length_mm: Statistic) -> Statistic:
    products = views[0].diameters_mm * views[1].diameters_mm
    return np.pi / 4 * products.sum(axis=-1) * length_mm / products.shape[-1] / 1000


def _cut_out(mask: MaskArray, atrium: MaskArray | None) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
    """The largest connected part of a mask with its holes filled, cut out; the atrium cut alike; x, y of the cut."""
    parts, count = ndimage.label(np.asarray(mask, dtype=bool))
    if count == 0:
        return parts > 0, None, np.zeros(2)
    largest = np.bincount(parts.ravel())[1:].argmax()
    rows, columns = ndimage.find_objects(parts)[largest]
    window = tuple(slice(max(0, side.start - 2), side.stop + 2) for side in (rows, columns))
    cavity = ndimage.binary_fill_holes(parts[window] == largest + 1)
    corner = np.array([window[1].start, window[0].start])
    return cavity, None if atrium is None else np.asarray(atrium, dtype=bool)[window], corner


def _axis_of(cavity: MaskArray, spacing_mm: SpacingMm, atrium: MaskArray | None) -> LongAxis:
    outline = mask_contour(cavity)
    if not len(outline):
        return LongAxis(np.full(2, np.nan), np.full(2, np.nan), np.full((2, 2), np.nan), np.nan, np.nan)
    pixel_mm = np.array(spacing_mm[::-1], dtype=np.float64)
    touching = None if atrium is None else _touching(outline, atrium)
    if touching is not None and len(touching) > 1:
        annulus = _ends(touching * pixel_mm)
    else:
        annulus = _corners(outline * pixel_mm, _mask_direction(cavity, pixel_mm))
    base = annulus.mean(axis=0)
    apex = outline[np.linalg.norm(outline * pixel_mm - base, axis=1).argmax()]
    along = base - apex * pixel_mm
    annulus = annulus[annulus[:, 0].argsort()] / pixel_mm
    return LongAxis(
        apex, base / pixel_mm, annulus, float(np.linalg.norm(along)), float(np.degrees(np.arctan2(along[0], along[1])))
    )


def _touching(outline: np.ndarray, atrium: np.ndarray) -> np.ndarray:
    """The points of an outline that lie against the atrium."""
    reach = ndimage.binary_dilation(atrium, np.ones((3, 3), dtype=bool)).astype(np.float32)
    return outline[ndimage.map_coordinates(reach, outline.T[::-1], order=1) > 0.75]


def _ends(points: np.ndarray) -> np.ndarray:
    """The two points with the greatest distance along the main direction of a set of points."""
    centred = points - points.mean(axis=0)
    position = centred @ np.linalg.svd(centred, full_matrices=False)[2][0]
    return points[[position.argmin(), position.argmax()]]


def _mask_direction(cavity: np.ndarray, pixel_mm: np.ndarray) -> np.ndarray:
    """The main direction of a mask's pixels, pointing downwards."""
    points = np.argwhere(cavity)[:, ::-1] * pixel_mm
    centred = points - points.mean(axis=0)
    direction = np.linalg.eigh(centred.T @ centred)[1][:, -1]
    return direction if direction[1] > 0 else -direction


def _corners(outline: np.ndarray, along: np.ndarray) -> np.ndarray:
    """The two lower corners of an outline; the second pass looks along the axis that the first has found."""
    for _ in range(2):
        across = np.array([-along[1], along[0]]) * CORNER_WEIGHT
        corners = outline[[(outline @ (along + across)).argmax(), (outline @ (along - across)).argmax()]]
        base = corners.mean(axis=0)
        away = np.linalg.norm(outline - base, axis=1)
        along = (base - outline[away.argmax()]) / away.max()
    return corners
