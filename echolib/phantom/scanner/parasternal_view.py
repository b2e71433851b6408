"""The parasternal long-axis view: right ventricle, septum, cavity, posterior wall, aortic root, left atrium.

The frame of the heart has p along the ventricle (mm, positive to the base, right in the picture) and d across it
(mm, positive away from the probe), with its origin amid the cavity at the tips of the mitral leaflets, where the
walls are measured.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from echolib.phantom.scanner.apical_view import bump, ramp
from echolib.phantom.scanner.look import Style
from echolib.phantom.scanner.receive_chain import numbers, series, side_lobes
from echolib.phantom.scanner.speckle import SpeckleBank, patches
from echolib.phantom.scanner.ultrasound import ScanLines

TUBE = 16.0  # mm about the origin over which the walls run parallel, so that the measures are exact


@dataclass(frozen=True)
class LongAxis:
    """N hearts at end diastole and end systole (axis state): septum, cavity, wall (N, 2) mm; centre (N, 2) mm under the
    probe; angle (N,) degrees, positive when the base lies deeper; apex_mm (N,) from the origin to the apical end;
    aorta_mm (N,) diameter of the root."""

    septum: Tensor
    cavity: Tensor
    wall: Tensor
    centre: Tensor
    angle: Tensor
    apex_mm: Tensor
    aorta_mm: Tensor

    def to(self, *args) -> "LongAxis":
        return LongAxis(**{k: v.to(*args) for k, v in vars(self).items()})

    def select(self, index) -> "LongAxis":
        return LongAxis(**{k: v[index] for k, v in vars(self).items()})


def draw_long_axes(rng: np.random.Generator, count: int) -> LongAxis:
    """Wall measures of a mixed cohort: septum 10.7, posterior wall 10.3, cavity 46.6 mm at end diastole (means), 31.0
    mm at end systole; walls thicken as the cavity narrows."""

    def normal(mean, sd):
        return mean + sd * rng.standard_normal(count).clip(-2.5, 2.5)

    hypertrophy = rng.standard_normal(count)
    septum = np.clip(10.7 + 1.7 * hypertrophy + normal(0, 1.1), 6, 22)
    wall = np.clip(10.3 + 1.4 * hypertrophy + normal(0, 1.0), 6, 20)
    cavity = np.clip(normal(46.6, 5.6), 30, 70)
    shortening = np.clip(normal(0.335, 0.07), 0.08, 0.52)
    thickening = 1 + shortening * normal(0.95, 0.2).clip(0.3, 1.6)
    fields = {
        "septum": np.stack([septum, septum * (1 + 0.8 * (thickening - 1))], -1),
        "cavity": np.stack([cavity, cavity * (1 - shortening)], -1),
        "wall": np.stack([wall, wall * thickening], -1),
        "centre": np.stack([normal(-4, 6), 34 + septum + cavity / 2 + normal(0, 4)], -1),
        "angle": normal(4, 7),
        "apex_mm": normal(50, 6),
        "aorta_mm": normal(30, 3),
    }
    return LongAxis(**{k: torch.from_numpy(np.ascontiguousarray(v)) for k, v in fields.items()})


@dataclass(frozen=True)
class Section:
    """The measures (N, T) of `LongAxis` at T instants; centre (N, T, 2)."""

    septum: Tensor
    cavity: Tensor
    wall: Tensor
    centre: Tensor


def section(heart: LongAxis, contraction: Tensor, drift: Tensor | None = None) -> Section:
    """Blends end diastole (contraction 0) and end systole (1); contraction (N, T), drift (N, T, 2) mm."""

    def blend(value):
        return value[:, :1] + contraction * (value[:, 1:] - value[:, :1])

    cavity, septum = blend(heart.cavity), blend(heart.septum)
    lift = torch.stack((contraction * 3.0, contraction * 1.0), -1)
    centre = heart.centre[:, None] + lift + (0 if drift is None else drift)
    return Section(septum, cavity, blend(heart.wall), centre)


def wall_points(heart: LongAxis, now: Section) -> Tensor:
    """The four measured points (N, T, 4, 2) in the probe frame (x, z), mm, bottom to top: epicardial and endocardial
    side of the posterior wall, left and right side of the septum."""
    d = torch.stack((now.cavity / 2 + now.wall, now.cavity / 2, -now.cavity / 2, -now.cavity / 2 - now.septum), -1)
    angle = torch.deg2rad(heart.angle)[:, None, None]
    return torch.stack((now.centre[..., :1] - d * angle.sin(), now.centre[..., 1:] + d * angle.cos()), -1)


def axes(heart: LongAxis, now: Section, x_mm: Tensor, z_mm: Tensor) -> tuple[Tensor, Tensor]:
    """Probe-frame points (N, 1, H, W) -> p and d (N, T, H, W)."""
    angle = torch.deg2rad(heart.angle)[:, None, None, None]
    dx, dz = x_mm - now.centre[..., 0, None, None], z_mm - now.centre[..., 1, None, None]
    return dx * angle.cos() + dz * angle.sin(), dz * angle.cos() - dx * angle.sin()


def shape(heart: LongAxis, now: Section, p: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Half-height of the blood above and below the axis, thickness of the upper and the lower wall, all at p.

    Towards the base the septum runs on as the thin anterior wall of the aorta, the posterior wall as that of the left
    atrium, which bulges away from the probe.
    """
    taper = narrowing(p, heart.apex_mm[:, None, None, None])
    half = now.cavity[..., None, None] / 2 * taper
    basal = ((p - TUBE - 2) / 12).clamp(0, 1)
    basal = basal * basal * (3 - 2 * basal)
    septum, wall = (t[..., None, None] * (1 - basal) + 2.6 * basal for t in (now.septum, now.wall))
    return half, half + 7 * basal * ((p - 20) / 25).clamp(0, 1), septum, wall


def parasternal_level(
    heart: LongAxis, now: Section, style: Style, lines: ScanLines, bank: SpeckleBank, shift: Tensor
) -> Tensor:
    """Echo level (N, T, R, A) of everything but the mitral valve."""
    g = numbers(style)
    p, d = axes(heart, now, lines.x_mm, lines.z_mm)
    upper, lower, septum, wall = shape(heart, now, p)
    patch, slow = patches(bank, lines.depth_mm, lines.angle_deg, shift)
    level = layers(g, style, p, d, (upper, lower, septum, wall), slow) + g["patchy"] * patch
    blood = g["floor"] - 12 + (patch - 0.9).clamp(min=0) * g["trabeculae"] * 0.6
    inside = ramp(torch.minimum(torch.minimum(upper + d, lower - d), p + heart.apex_mm[:, None, None, None]))
    level = level + (blood - level) * inside
    root = -upper + heart.aorta_mm[:, None, None, None]
    posterior = bump((d - root).square(), 1.2) * ramp(p - 22, 4)
    level = level + (g["leaflet"] - level).clamp(min=0) * posterior
    return level + side_lobes(level, g["haze"])


def parasternal_rest(heart: LongAxis, now: Section, lines: ScanLines) -> tuple[Tensor, Tensor]:
    """Where the tissue at each sample lay at end diastole, probe frame (N, T, R, A), layer by layer along d."""
    p, d = axes(heart, now, lines.x_mm, lines.z_mm)
    rest = section(heart, torch.zeros_like(heart.cavity[:, :1]))
    above = d < 0
    half, thick = (torch.where(above, *pair) for pair in _pairs(shape(heart, now, p)))
    rest_half, rest_thick = (torch.where(above, *pair) for pair in _pairs(shape(heart, rest, p)))
    deep = d.abs()
    inner = torch.minimum(deep, half) / half.clamp(min=1) * rest_half
    beyond = (deep - half - thick).clamp(min=0)
    rest_deep = inner + ((deep - half) / thick).clamp(0, 1) * rest_thick + beyond
    fade = 1 / (1 + (beyond / 18).square())
    moved = (d.sign() * rest_deep - d) * fade
    angle = torch.deg2rad(heart.angle)[:, None, None, None]
    back = (rest.centre - now.centre)[..., None, None]
    return (
        lines.x_mm - moved * angle.sin() + back[:, :, 0] * fade,
        lines.z_mm + moved * angle.cos() + back[:, :, 1] * fade,
    )


def _pairs(walls: tuple[Tensor, ...]) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """(upper, lower) blood and (upper, lower) wall."""
    return walls[:2], walls[2:]


def narrowing(p: Tensor, apex_mm: Tensor) -> Tensor:
    """Cavity half-height against p over that at the origin: 1 in the tube, an ellipse towards the apex."""
    x = ((-p - TUBE) / (apex_mm - TUBE)).clamp(0, 0.98)
    return (1 - x * x).sqrt() - 0.12 * ((p - TUBE) / 20).clamp(0, 1)


def layers(g, style: Style, p: Tensor, d: Tensor, walls: tuple[Tensor, ...], slow: Tensor) -> Tensor:
    """Chest wall, right ventricle, upper wall, lower wall, pericardium and lung from top to bottom."""
    upper, lower, septum, wall = walls
    level = g["outer_left"] + 8 * slow
    top, bottom = -upper - septum, lower + wall
    right_ventricle = torch.minimum(top - d, d - top + 22 - 0.12 * p)
    level = level + (g["floor"] - 6 + g["chamber"] - level) * ramp(right_ventricle, 5)
    level = level + g["visible"] * g["specular"] * bump((right_ventricle + 1).square(), 1.5) * (d < top - 8)
    below = (d - bottom - 4).clamp(min=0)
    level = torch.where(below > 0, g["outer_right"] - 0.6 * g["lung"] * below + 8 * slow, level)
    brightness = series(style.dropout, p / 40) * 0.7
    for start, end, mean in ((top, -upper, g["septum"] - 16), (lower, bottom, g["lateral"] + 4)):
        depth = torch.minimum(d - start, end - d)
        tissue = mean + brightness + 5 * slow - 2.4 * depth.clamp(min=0, max=6)
        level = level + (tissue - level) * ramp(depth, 2.0)
        level = level + g["specular"] * (bump((d - start).square(), 0.9) + bump((d - end).square(), 0.9))
    return level + (g["annulus"] + 6 - level).clamp(min=0) * bump((d - bottom - 1.8).square(), 1.8)


def paint_leaflets(heart: LongAxis, now: Section, opening: Tensor, g, lines: ScanLines, level: Tensor) -> Tensor:
    """Anterior mitral leaflet from the aortic root and posterior leaflet from the atrioventricular groove."""
    p, d = axes(heart, now, lines.x_mm, lines.z_mm)
    top = -now.cavity / 2 * 0.88
    front = (torch.full_like(top, 24.0), top + heart.aorta_mm[:, None] + 1.5)
    back = (torch.full_like(top, 24.0), now.cavity / 2 * 0.86)
    closed = (torch.full_like(top, 8.0), (front[1] + back[1]) / 2)
    open_front = (torch.full_like(top, 3.0), -now.cavity / 2 * 0.45)
    open_back = (torch.full_like(top, 10.0), now.cavity / 2 * 0.75)
    for hinge, target in ((front, open_front), (back, open_back)):
        tip = [c + opening * (o - c) for c, o in zip(closed, target, strict=True)]
        dp, dd = ((t - h)[..., None, None] for t, h in zip(tip, hinge, strict=True))
        qp, qd = p - hinge[0][..., None, None], d - hinge[1][..., None, None]
        t = ((qp * dp + qd * dd) / (dp * dp + dd * dd).clamp(min=1)).clamp(0, 1)
        squared = (qp - t * dp).square() + (qd - t * dd).square()
        level = level + (g["leaflet"] - level).clamp(min=0) * bump(squared, 1.1)
    return level
