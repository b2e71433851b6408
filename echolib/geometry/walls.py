"""Wall thickness and cavity of the left ventricle in the parasternal long axis, from four points on one line.

Plain arithmetic: NumPy arrays, torch tensors and numbers alike.
"""

from typing import NamedTuple

from echolib.shapes import AnyQuantity, AnyWallPoints

MYOCARDIUM_G_PER_ML = 1.04


class WallMeasures(NamedTuple):
    """Interventricular septum, left ventricular internal diameter and posterior wall in cm, each (...)."""

    ivs: AnyQuantity
    lvid: AnyQuantity
    lvpw: AnyQuantity


def wall_measures(points: AnyWallPoints, cm_per_px: AnyQuantity = 1.0) -> WallMeasures:
    """The three measures between four points.

    Parameters
    ----------
    points : (..., 4, 2) x, y in pixels from the posterior wall up: its outer and its inner border, the septum's border
        with the left ventricle, and its border with the right one. So EchoNet-LVH's measures follow each other.
    cm_per_px : size of a (square) pixel in cm, a number or (...).

    Returns
    -------
    WallMeasures of the leading axes; NaN where one of the two points is.
    """
    steps = points[..., 1:, :] - points[..., :-1, :]
    lengths = (steps * steps).sum(-1) ** 0.5
    lvpw, lvid, ivs = (lengths[..., number] * cm_per_px for number in range(3))
    return WallMeasures(ivs, lvid, lvpw)


def relative_wall_thickness(lvpw: AnyQuantity, lvid: AnyQuantity) -> AnyQuantity:
    """2 LVPW / LVID at end diastole, both in one unit; above 0.42 is concentric.

    Lang et al., J Am Soc Echocardiogr 2015.
    """
    return 2 * lvpw / lvid


def lv_mass_g(ivs: AnyQuantity, lvid: AnyQuantity, lvpw: AnyQuantity) -> AnyQuantity:
    """Mass of the left ventricle in grams from lengths in cm at end diastole.

    0.8 * 1.04 * ((IVS + LVID + LVPW)^3 - LVID^3) + 0.6: the cube formula (Devereux et al. 1986; Lang et al., J Am Soc
    Echocardiogr 2015).
    """
    return 0.8 * MYOCARDIUM_G_PER_ML * ((ivs + lvid + lvpw) ** 3 - lvid**3) + 0.6
