"""The apical views: the echo level of every structure round the left ventricle.

Levels are on the grey scale of real frames. `apical_level` paints a pose; in a clip the painting at end diastole is
carried along by the tissue (`warp.rest_position`) and only the mitral valve is painted anew.
"""

import torch
from torch import Tensor

from echolib.phantom.anatomy.heart import Heart, Pose
from echolib.phantom.anatomy.rays import RayTable, atrium_depth, heart_coordinates, lookup
from echolib.phantom.scanner.look import Style
from echolib.phantom.scanner.receive_chain import numbers, series, side_lobes
from echolib.phantom.scanner.speckle import SpeckleBank, patches
from echolib.phantom.scanner.ultrasound import ScanLines

EDGE_MM = 1.2


def ramp(distance: Tensor, width: float = EDGE_MM) -> Tensor:
    """0 outside to 1 inside over a border of this width (mm)."""
    return (distance * (1 / width)).add_(0.5).clamp_(0, 1)


def bump(squared: Tensor, sigma: float) -> Tensor:
    """exp(-d^2 / (2 sigma^2)) of squared distances; its tail is cut where numbers would become subnormal and slow."""
    return (squared * (-0.5 / sigma**2)).clamp_(min=-30).exp_()


def apical_level(
    heart: Heart, state: Pose, table: RayTable, style: Style, lines: ScanLines, bank: SpeckleBank, shift: Tensor
) -> Tensor:
    """Echo level (N, T, R, A) of everything but the mitral valve; table is that of the pose."""
    g = numbers(style)
    a, b = heart_coordinates(state, lines.x_mm, lines.z_mm)
    up, side = table.centre[..., 0, None, None] - a, b - table.centre[..., 1, None, None]
    radius = torch.hypot(up, side)
    row = lookup(wall_rows(table.rows, state, style), torch.atan2(side, up))
    inner, wall, slant = row[..., 0], row[..., 1], row[..., 4]
    q, thickness = (radius - inner) * slant, (wall * slant).clamp(min=3)
    outside = (radius - inner - wall) * slant
    patch, slow = patches(bank, lines.depth_mm, lines.angle_deg, shift)
    facing = (row[..., 2] * lines.sine + row[..., 3] * lines.cosine).abs()
    myocardium = layered(row, q, thickness) + g["dots"] * (patch - 0.3).clamp(min=0)
    myocardium = myocardium + g["specular"] * facing * bump(q * q, 0.9)
    level = surroundings(heart, state, style, a, b, slow, outside)
    level = level + (myocardium + g["patchy"] * 0.5 * slow - level) * ramp(-outside, 3.5) * ramp(wall - 1)
    level = level + g["patchy"] * patch
    level = level + (cavity(g, q, patch) + chordae(state, g, a, b, patch) - level) * ramp(-q)
    return level + side_lobes(level, g["haze"])


def layered(row: Tensor, q: Tensor, thickness: Tensor) -> Tensor:
    """Level across the wall at q mm from the cavity: brightest at a layer of its own, darker to both borders."""
    crest = row[..., 6] * thickness
    towards = (1 - q / crest).clamp_(0, 1)
    beyond = ((q - crest) / (thickness - crest).clamp(min=1)).clamp_(0, 1)
    return row[..., 5] - row[..., 7] * towards * towards.sqrt() - row[..., 8] * beyond * beyond.sqrt()


def wall_rows(rows: Tensor, state: Pose, style: Style) -> Tensor:
    """Ray table rows -> (N, T, ANGLES, 9): radius, wall, normal in the probe frame (2), cosine of the ray to the
    normal, level of the brightest layer (septum, apex, lateral wall, brighter to the base, with dropout), where in the
    wall it lies, and how much darker the inner and the outer border are."""
    angles = torch.linspace(-torch.pi, torch.pi, rows.shape[2], device=rows.device, dtype=rows.dtype)
    along, across = state.axis()
    normal = rows[..., 4:5] * along[:, :, None] + rows[..., 5:6] * across[:, :, None]
    ray = torch.stack((-angles.cos(), angles.sin()), -1)
    slant = (rows[..., 4:6] * ray).sum(-1, keepdim=True).clamp(min=0.2)
    place, side = rows[..., 6], (rows[..., 7] + 1) / 2
    tip = torch.exp(-((place / 0.2) ** 2))
    shares = torch.stack((tip, (1 - side) * (1 - tip), side * (1 - tip)), -1)
    peak = torch.stack((style.apical, style.septum, style.lateral), -1)
    crest = peak.new_tensor([0.7, 0.42, 0.85]).expand_as(peak)
    level, crest, inner, outer = (
        (shares * value[:, None, None]).sum(-1) for value in (peak, crest, style.inner, style.outer)
    )
    level = level + 10 * torch.sigmoid((place - 0.8) / 0.06) + series(style.dropout, angles[None, None])
    return torch.cat((rows[..., :2], normal, slant, torch.stack((level, crest, inner, outer), -1)), -1)


def chordae(state: Pose, g, a: Tensor, b: Tensor, patch: Tensor) -> Tensor:
    """Specks of the valve's chords and papillary tips in the basal half of the cavity."""
    base = state.length[..., None, None]
    place = bump(((a - 0.78 * base) / 16).square() + ((b - 0.03 * base) / 11).square(), 1.0)
    return g["chordae"] * place * (1 + 2.2 * patch).clamp(min=0)


def cavity(g, q: Tensor, patch: Tensor) -> Tensor:
    """Blood, with trabeculae and papillary muscles near the wall."""
    rim = torch.exp((q * 0.16).clamp(-30, 0))
    return g["floor"] - 12 + (patch - 0.7).clamp(min=0) * g["trabeculae"] * rim + 16 * rim * rim


def surroundings(heart: Heart, state: Pose, style: Style, a, b, slow, outside) -> Tensor:
    """Everything but the left ventricle: right heart, left atrium, pericardium, lung and the tissue behind."""
    g = numbers(style)
    base = state.length[..., None, None]
    far = (outside - 8).clamp(min=0)
    level = torch.where(b < 0, g["outer_left"] - 0.2 * far, g["outer_right"] - g["lung"] * far)
    atrial = heart.atrium[:, None, None, None, 0]
    behind = ramp(a - base - atrial - 2, 24) * ramp(outside.new_tensor(34.0) - b, 30)
    level = level + (g["deep"] - level) * behind
    crux = bump((a - base - 4).square(), 9.0) * bump((outside - 2).square(), 7.0)
    level = level + (g["annulus"] - 10 - level) * crux * (b > 0)
    hinge = bump((a - base + 2).square(), 8.0) * bump((b + 46).square(), 10.0)
    level = level + 0.7 * (g["deep"] - level) * hinge
    chamber = g["floor"] - 14 + g["chamber"]
    if bool((heart.right_heart > 0).any()):
        level = right_heart(heart, state, g, a, b, outside, level, chamber)
    depth = atrium_depth(heart, state, a, b)
    level = level + (0.6 + g["visible"]) * g["specular"] * bump((depth + 1).square(), 1.4)
    inside = ramp(depth, 4.0) * (0.6 + 0.4 * g["visible"])
    return level + (chamber - level) * inside + g["patchy"] * 1.1 * slow


def right_heart(heart: Heart, state: Pose, g, a, b, outside, level, chamber) -> Tensor:
    """Right ventricle beside the septum and right atrium below it, with thin bright walls."""
    base = state.length[..., None, None]
    present = heart.right_heart[:, None, None, None]
    size = present.clamp(min=0.3)
    edge = -(state.half_width[..., 0, 10])[..., None, None] - heart.wall[:, None, None, None, 1]
    for centre_a, centre_b, half_a, half_b in (
        (0.66 * base, edge - 15 * size, 0.40 * base, 19 * size),
        (base + 24 * size, edge - 8 - 14 * size, 22 * size, 19 * size),
    ):
        oval = 1 - torch.hypot((a - centre_a) / half_a, (b - centre_b) / half_b)
        depth = torch.minimum(oval * half_b, outside - 1)
        level = level + g["visible"] * g["specular"] * bump((depth + 1).square(), 1.5) * (present > 0)
        level = level + (chamber - level) * ramp(depth, 5.0) * (0.35 + 0.6 * g["visible"]) * (present > 0)
    return level


def paint_valve(state: Pose, opening: Tensor, g, lines: ScanLines, level: Tensor) -> Tensor:
    """Two mitral leaflets that swing into the ventricle as the valve opens, and the bright annulus at their hinges.

    Changes `level` (N, T, R, A) in place, only in the rows of scan lines that the valve can reach.
    """
    left, right = -state.half_width[..., 0, -1], state.half_width[..., 1, -1]
    span = right - left
    reach = float(span.max()) * 0.65 + 12
    centre = state.apex[..., 1] + state.length * torch.cos(torch.deg2rad(state.tilt))
    depth = lines.depth_mm[:, 0, :, 0]
    rows = ((depth > centre.min() - reach) & (depth < centre.max() + reach + 25)).any(0).nonzero()
    if not len(rows):
        return level
    part = slice(int(rows[0]), int(rows[-1]) + 1)
    a, b = heart_coordinates(state, lines.x_mm[:, :, part], lines.z_mm[:, :, part])
    near = level[:, :, part]
    for hinge, share, sign in ((left, 0.60, 1.0), (right, 0.46, -1.0)):
        hinge_a = state.length + state.plane_slope * hinge
        swing = opening * 1.25 + 0.12
        da, db = -(swing.sin() * share * span)[..., None, None], (sign * swing.cos() * share * span)[..., None, None]
        pa, pb = a - hinge_a[..., None, None], b - hinge[..., None, None]
        t = (pa * da).addcmul_(pb, db).div_(da * da + db * db).clamp_(0, 1)
        bow = (t * t).sub_(t).mul_(-0.22 * sign)
        squared = (pa - t * da).addcmul_(bow, db, value=-sign).square_()
        squared.add_((pb - t * db).addcmul_(bow, da, value=sign).square_())
        near.add_((g["leaflet"] - near).clamp_(min=0).mul_(bump(squared, 0.95)))
        ring = bump(pa.square_().addcmul_(pb, pb), 3.2).mul_(0.9)
        near.add_((g["annulus"] - near).clamp_(min=0).mul_(ring))
    return level
