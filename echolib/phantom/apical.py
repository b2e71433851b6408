"""The apical views: echo level of every structure along the scan lines, and the speckle that moves with it."""

import torch
from torch import Tensor

from echolib.phantom.heart import Heart, Pose
from echolib.phantom.rays import atrium_depth, heart_coordinates, lookup, ray_table
from echolib.phantom.speckle import SpeckleBank, look_up, noise_frames
from echolib.phantom.style import LOBES, Style
from echolib.phantom.ultrasound import ScanLines, compress, smooth_lines

EDGE_MM = 1.2


def ramp(distance: Tensor, width: float = EDGE_MM) -> Tensor:
    """0 outside to 1 inside over a border of this width (mm)."""
    return (distance * (1 / width)).add_(0.5).clamp_(0, 1)


def bump(squared: Tensor, sigma: float) -> Tensor:
    """exp(-d^2 / (2 sigma^2)) of squared distances."""
    return (squared * (-0.5 / sigma**2)).exp_()


def series(coefficients: Tensor, angle: Tensor) -> Tensor:
    """Fourier series (N, 2, LOBES) at angles (..., broadcast against (N, 1, ...)): a smooth random function."""
    k = torch.arange(1, LOBES + 1, dtype=angle.dtype, device=angle.device)
    phase = angle[..., None] * k
    shape = (len(coefficients), *[1] * (angle.ndim - 1), LOBES)
    return (coefficients[:, 0].reshape(shape) * phase.cos() + coefficients[:, 1].reshape(shape) * phase.sin()).sum(-1)


def apical_grey(
    heart: Heart,
    state: Pose,
    opening: Tensor,
    style: Style,
    lines: ScanLines,
    bank: SpeckleBank,
    shift: Tensor,
    generator: torch.Generator,
) -> Tensor:
    """Grey levels (N, T, R, A) along the scan lines, before clipping.

    opening (N, T) of the mitral valve; shift (N, 2) places each heart in the speckle bank.
    """
    level, depth_mm, angle_deg = tissue_level(heart, state, opening, style, lines, bank, shift)
    grain = look_up(bank, depth_mm, angle_deg, shift)
    return echo(level, grain, style, lines, bank, generator, state.contraction.shape[1])


def echo(level, grain, style: Style, lines: ScanLines, bank, generator, frames: int) -> Tensor:
    """Level and speckle -> received, compressed and filtered grey levels."""
    scalar = _scalars(style)
    level = level + side_lobes(level, scalar["haze"])
    per_grey = scalar["grey_per_db"]
    beam = series(style.shade, torch.deg2rad(lines.angle_deg[:, :, :1, :]) * 3)
    edge = lines.angle_deg[:, :, :1, :] / lines.angle_deg[:, :, :1, -1:]
    left, right = (style.edge_shadow[:, k, None, None, None] for k in range(2))
    beam = beam - left * (-edge - 0.45).clamp(min=0) - right * (edge - 0.45).clamp(min=0)
    level = level + beam + scalar["depth_gain"] * (lines.depth_mm / 100 - 0.8)
    floor = scalar["floor"] + scalar["floor_slope"] * (lines.depth_mm / 100 - 0.7)
    tenth = 0.05 * 2.302585
    tissue = torch.exp(level * (tenth / per_grey))
    noise = torch.exp(floor * (tenth / per_grey)).expand_as(lines.depth_mm)
    other = noise_frames(bank, lines.depth_mm, lines.angle_deg, generator, frames)
    weight = tissue * 0.3 + noise
    real = grain[..., 0] * tissue + other[..., 0] * weight
    imaginary = grain[..., 1] * tissue + other[..., 1] * weight
    grey = compress(real.square_().addcmul_(imaginary, imaginary), per_grey)
    grey = smooth_lines(grey, style.smoothing)
    return (grey - scalar["offset"]) * scalar["gain"]


def _scalars(style: Style) -> dict[str, Tensor]:
    return {k: v[:, None, None, None] for k, v in vars(style).items() if isinstance(v, Tensor) and v.ndim == 1}


def side_lobes(level: Tensor, drop: Tensor) -> Tensor:
    """How much the blurred surroundings, lowered by `drop` grey levels, lift dark places."""
    small = torch.nn.functional.avg_pool2d(level, (8, 8), ceil_mode=True)
    small = torch.nn.functional.avg_pool2d(small, 3, 1, 1, count_include_pad=False)
    wide = torch.nn.functional.interpolate(small, level.shape[-2:], mode="bilinear") + drop
    return torch.nn.functional.relu(wide - level).mul_(0.7)


def tissue_level(heart, state, opening, style, lines, bank, shift):
    """Echo level (grey) of every sample and its material position (depth mm, angle degrees) at end diastole."""
    g = _scalars(style)
    table = ray_table(heart, state)
    rows = table.rows
    angles = torch.linspace(-torch.pi, torch.pi, rows.shape[2], device=rows.device)
    wall_level = wall_brightness(rows, style) + series(style.dropout, angles[None, None])
    along, across = state.axis()
    normal = rows[..., 4:5] * along[:, :, None] + rows[..., 5:6] * across[:, :, None]
    ray = torch.stack((-angles.cos(), angles.sin()), -1)
    slant = (rows[..., 4:6] * ray).sum(-1, keepdim=True).clamp(min=0.2)
    rows = torch.cat((rows[..., :4], normal, slant, wall_level[..., None]), -1)
    a, b = heart_coordinates(state, lines.x_mm, lines.z_mm)
    up, side = table.centre[..., 0, None, None] - a, b - table.centre[..., 1, None, None]
    radius = torch.hypot(up, side)
    row = lookup(rows, torch.atan2(side, up))
    inner, wall = row[..., 0], row[..., 1]
    q = (radius - inner) * row[..., 6]
    outside = (radius - inner - wall) * row[..., 6]
    depth_mm, angle_deg = material(heart, state, table, row, radius, up, side, lines)
    patches = look_up(bank, depth_mm + 60, angle_deg * 1.1, shift)
    patch, slow = patches[..., 2], patches[..., 3]
    facing = (row[..., 4] * lines.sine + row[..., 5] * lines.cosine).abs()
    middle = (q / (wall * row[..., 6]).clamp(min=3) - 0.5).clamp(-0.5, 0.5)
    myocardium = row[..., 7] - 26 * (middle * middle) * 4 + g["specular"] * facing * bump(q * q, 0.9)
    level = surroundings(heart, state, style, a, b, lines, slow, outside)
    level = level + (myocardium + g["patchy"] * 0.5 * slow - level) * ramp(-outside, 2.5) * ramp(wall - 1)
    level = level + g["patchy"] * patch
    blood = cavity(g, q, patch, slow, row, lines)
    level = level + (blood - level) * ramp(-q)
    level = valve(state, opening, g, a, b, level)
    return near_field(level, g, lines, slow), depth_mm, angle_deg


def wall_brightness(rows: Tensor, style: Style) -> Tensor:
    """Mean level (N, T, ANGLES) of the wall round the ventricle: septum, apex, lateral wall, brighter to the base."""
    place, side = rows[..., 6], (rows[..., 7] + 1) / 2
    septum, lateral, apical = (t[:, None, None] for t in (style.septum, style.lateral, style.apical))
    basal = 14 * torch.sigmoid((place - 0.8) / 0.06)
    flank = septum * (1 - side) + lateral * side
    tip = torch.exp(-((place / 0.2) ** 2))
    return flank * (1 - tip) + apical * tip + basal


def material(heart, state, table, row, radius, up, side, lines):
    """Where each sample's tissue lay at end diastole, to first order, fading to rest far from the ventricle."""
    inner, wall, rest_inner, rest_wall = (row[..., k] for k in range(4))
    beyond = (radius - inner - wall).clamp_(min=0)
    part = (radius / inner).clamp_(max=1)
    through = ((radius - inner) / wall.clamp(min=1)).clamp_(0, 1)
    stretch = (part * (rest_inner - inner) + through * (rest_wall - wall)) / radius.clamp(min=1)
    shift_up, shift_side = stretch * up, stretch * side
    along, across = state.axis()
    rest_apex, rest_tilt = heart.apex[:, None, 0], heart.tilt[:, None, 0]
    rest_along = torch.stack((-torch.deg2rad(rest_tilt).sin(), torch.deg2rad(rest_tilt).cos()), -1)
    rest_across = torch.stack((rest_along[..., 1], -rest_along[..., 0]), -1)
    origin = rest_apex + table.rest_centre[..., :1] * rest_along + table.rest_centre[..., 1:] * rest_across
    now = state.apex + table.centre[..., :1] * along + table.centre[..., 1:] * across
    move = (origin - now)[..., None, None]
    ax, az = along[..., 0, None, None], along[..., 1, None, None]
    cx, cz = across[..., 0, None, None], across[..., 1, None, None]
    fade = 1 / (1 + (beyond / 22) ** 2)
    dx = (move[:, :, 0] - shift_up * ax + shift_side * cx) * fade
    dz = (move[:, :, 1] - shift_up * az + shift_side * cz) * fade
    depth = lines.depth_mm + dx * lines.sine + dz * lines.cosine
    turn = (dx * lines.cosine - dz * lines.sine) / lines.depth_mm.clamp(min=4)
    return depth, lines.angle_deg + torch.rad2deg(turn)


def cavity(g, q, patch, slow, row, lines):
    """Blood, with trabeculae and papillary muscles near the wall."""
    rim = torch.exp((q * 0.16).clamp_(max=0))
    return g["floor"] - 12 + (patch - 0.7).clamp(min=0) * g["trabeculae"] * rim + 16 * rim * rim


def surroundings(heart, state, style, a, b, lines, slow, outside):
    """Everything but the left ventricle: right heart, left atrium, pericardium, lung and the tissue behind."""
    g = _scalars(style)
    base = state.length[..., None, None]
    left, right = g["outer_left"], g["outer_right"]
    level = torch.where(b < 0, left, right - 0.9 * (outside - 10).clamp(min=0) * (a < base + 10))
    atrial = heart.atrium[:, None, None, None, 0]
    level = level + (g["deep"] - level) * ramp(a - base - atrial - 2, 24)
    crux = bump((a - base - 4).square() , 9.0) * bump((outside - 2).square(), 7.0)
    level = level + (g["annulus"] - 10 - level) * crux * (b > 0)
    chamber = g["floor"] - 14 + g["chamber"]
    present = heart.right_heart[:, None, None, None]
    if bool((heart.right_heart > 0).any()):
        size = present.clamp(min=0.3)
        edge = -(state.half_width[..., 0, 10])[..., None, None] - heart.wall[:, None, None, None, 1]
        for centre_a, centre_b, half_a, half_b in (
            (0.66 * base, edge - 15 * size, 0.40 * base, 19 * size),
            (base + 24 * size, edge - 8 - 14 * size, 22 * size, 19 * size),
        ):
            oval = 1 - torch.hypot((a - centre_a) / half_a, (b - centre_b) / half_b)
            depth = torch.minimum(oval * half_b, outside - 1)
            inside = ramp(depth, 3.0) * (present > 0)
            level = level + g["specular"] * bump((depth + 1).square(), 1.5) * (present > 0)
            level = level + (chamber - level) * inside
    depth = atrium_depth(heart, state, a, b)
    level = level + 0.6 * g["specular"] * bump((depth + 1).square(), 1.4)
    return level + (chamber - level) * ramp(depth, 2.5) + g["patchy"] * 0.6 * slow


def valve(state: Pose, opening: Tensor, g, a: Tensor, b: Tensor, level: Tensor) -> Tensor:
    """Two mitral leaflets that swing into the ventricle as the valve opens, and the bright annulus at the hinges."""
    left, right = -state.half_width[..., 0, -1], state.half_width[..., 1, -1]
    span = right - left
    meet = left + 0.58 * span
    for hinge, share, sign in ((left, 0.62, 1.0), (right, 0.46, -1.0)):
        hinge_a = state.length + state.plane_slope * hinge
        swing = opening * 1.25 + 0.12
        reach = share * span
        tip_a = hinge_a - torch.sin(swing) * reach
        tip_b = hinge + sign * torch.cos(swing) * reach
        tip_b = torch.where(opening < 0.05, torch.where(torch.tensor(sign > 0), torch.minimum(tip_b, meet + 1), tip_b), tip_b)
        da, db = (tip_a - hinge_a)[..., None, None], (tip_b - hinge)[..., None, None]
        pa, pb = a - hinge_a[..., None, None], b - hinge[..., None, None]
        norm = da * da + db * db
        t = ((pa * da + pb * db) / norm).clamp_(0, 1)
        bow = (0.9 * sign) * t * (1 - t)
        squared = (pa - t * da - bow * db * 0.25 * sign).square_() + (pb - t * db + bow * da * 0.25 * sign).square_()
        level = level + (g["leaflet"] - level).clamp(min=0) * bump(squared, 0.95)
        level = level + (g["annulus"] - level).clamp(min=0) * bump(pa.square() + pb.square(), 3.2) * 0.9
    return level


def near_field(level: Tensor, g, lines: ScanLines, slow: Tensor) -> Tensor:
    """Static haze close to the probe."""
    clutter = g["clutter"] + 4 * slow - 0.055 * (lines.depth_mm - 10).clamp(min=0).square() * 0.9
    return torch.maximum(level, clutter)
