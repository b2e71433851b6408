"""Anatomy of the simulated heart: one ventricle between end diastole and end systole.

A `Heart` holds N ventricles at both ends of the beat; `pose` blends them at any contraction and gives the
contours in the heart's own frame: along-axis coordinate a (mm, 0 at the apex, growing to the base) and
across coordinate b (mm, negative on the septal side). Volumes are single-plane discs of the contour itself,
so ejection fraction, volumes and tracings agree exactly.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

DISCS = 20
SIDE_POINTS = 48


@dataclass(frozen=True)
class Heart:
    """N ventricles; the axis called state is end diastole, end systole. Lengths in mm, angles in degrees.

    length (N, 2); half_width (N, 2, 2, 20) by state, side (septal, lateral) and disc; plane_slope (N, 2), rise of
    the mitral plane towards the base per mm across; wall (N, 3) end-diastolic thickness at apex, septum and
    lateral wall; apex (N, 2, 2) position (x, z) under the probe; tilt (N, 2), positive when the apex points right;
    atrium (N, 3) length, half-width and shift of the left atrium; right_heart (N,) size of the right heart, 1 normal,
    0 absent (two-chamber view).
    """

    length: Tensor
    half_width: Tensor
    plane_slope: Tensor
    wall: Tensor
    apex: Tensor
    tilt: Tensor
    atrium: Tensor
    right_heart: Tensor

    def __len__(self) -> int:
        return len(self.length)

    def select(self, index) -> "Heart":
        return Heart(**{name: value[index] for name, value in vars(self).items()})

    def to(self, *args, **kwargs) -> "Heart":
        return Heart(**{name: value.to(*args, **kwargs) for name, value in vars(self).items()})


@dataclass(frozen=True)
class Pose:
    """N hearts at T instants each: the fields of `Heart` without the state axis, blended at contraction (N, T)."""

    length: Tensor
    half_width: Tensor
    plane_slope: Tensor
    apex: Tensor
    tilt: Tensor
    contraction: Tensor

    def to(self, *args, **kwargs) -> "Pose":
        return Pose(**{name: value.to(*args, **kwargs) for name, value in vars(self).items()})

    def frames(self, part) -> "Pose":
        """The pose at some of its instants."""
        return Pose(**{name: value[:, part] for name, value in vars(self).items()})

    def axis(self) -> tuple[Tensor, Tensor]:
        """Unit vectors (N, T, 2) along the axis (apex to base) and across it (septal to lateral)."""
        angle = torch.deg2rad(self.tilt)
        along = torch.stack((-angle.sin(), angle.cos()), -1)
        return along, torch.stack((along[..., 1], -along[..., 0]), -1)

    def to_probe(self, points: Tensor) -> Tensor:
        """Heart-frame points (N, T, P, 2) as (a, b) -> probe frame (x, z), mm."""
        along, across = self.axis()
        return self.apex[:, :, None] + points[..., :1] * along[:, :, None] + points[..., 1:] * across[:, :, None]


def pose(heart: Heart, contraction: Tensor, drift: Tensor | None = None, sway: Tensor | None = None) -> Pose:
    """Blends end diastole (contraction 0) and end systole (1).

    contraction (N, T); drift (N, T, 2) mm and sway (N, T) degrees move the whole heart under the probe.
    """

    def blend(value: Tensor) -> Tensor:
        weight = contraction.reshape(*contraction.shape, *[1] * (value.ndim - 2))
        return value[:, None, 0] + weight * (value[:, None, 1] - value[:, None, 0])

    apex, tilt = blend(heart.apex), blend(heart.tilt)
    return Pose(
        length=blend(heart.length),
        half_width=blend(heart.half_width),
        plane_slope=blend(heart.plane_slope),
        apex=apex if drift is None else apex + drift,
        tilt=tilt if sway is None else tilt + sway,
        contraction=contraction,
    )


def chords(state: Pose) -> tuple[Tensor, Tensor, Tensor]:
    """The 20 discs: along-axis position a (N, T, 20) and the septal and lateral ends b, cut by the mitral plane."""
    middle = (torch.arange(DISCS, dtype=state.length.dtype, device=state.length.device) + 0.5) / DISCS
    a = middle * state.length[..., None]
    slope = state.plane_slope[..., None]
    reach = (a - state.length[..., None]) / torch.where(slope.abs() < 1e-6, 1e-6, slope)
    septal, lateral = -state.half_width[..., 0, :], state.half_width[..., 1, :]
    septal = torch.where(slope > 0, torch.maximum(septal, reach), septal)
    lateral = torch.where(slope < 0, torch.minimum(lateral, reach), lateral)
    return a, septal, lateral


def volume_ml(state: Pose) -> Tensor:
    """Single-plane disc volume (N, T), mL: pi/4 * sum of squared chords * long axis / 20."""
    _, septal, lateral = chords(state)
    return torch.pi / 4 * (lateral - septal).square().sum(-1) * state.length / DISCS / 1000


def half_width_at(half_width: Tensor, fraction: Tensor) -> Tensor:
    """Half-widths (..., 20) at fractions (..., P) of the axis; blunt at the apex: the square-root part is exact."""
    root = fraction.clamp(min=0).sqrt()
    knots = ((torch.arange(DISCS, dtype=fraction.dtype, device=fraction.device) + 0.5) / DISCS).sqrt()
    place = (fraction * DISCS - 0.5).clamp(0, DISCS - 1)
    low = place.floor().long().clamp(max=DISCS - 2)
    part = place - low
    shape = half_width / knots
    value = torch.gather(shape, -1, low) * (1 - part) + torch.gather(shape, -1, low + 1) * part
    return torch.where(place < DISCS - 1, value * root, half_width[..., -1:])


def endocardium(state: Pose) -> Tensor:
    """Cavity contour (N, T, 2 * SIDE_POINTS - 1, 2) as (a, b), septal hinge to apex to lateral hinge."""
    grid = torch.arange(SIDE_POINTS, dtype=state.length.dtype, device=state.length.device) / (SIDE_POINTS - 1)
    ramp = 1 - torch.cos(grid * torch.pi / 2)
    sides = []
    for side, sign in ((0, -1), (1, 1)):
        width = state.half_width[..., side, :]
        end = 1 + sign * state.plane_slope * width[..., -1] / state.length
        fraction = ramp * end[..., None]
        b = sign * half_width_at(width, fraction)
        sides.append(torch.stack((fraction * state.length[..., None], b), -1))
    return torch.cat((sides[0].flip(-2), sides[1][..., 1:, :]), -2)


def shoelace(polygon: Tensor) -> Tensor:
    """Signed area (...) of closed polygons (..., P, 2)."""
    following = polygon.roll(-1, -2)
    return (polygon[..., 0] * following[..., 1] - polygon[..., 1] * following[..., 0]).sum(-1) / 2


def outward_normals(contour: Tensor) -> Tensor:
    """Unit normals (..., P, 2) that leave the cavity of a septal-apex-lateral contour."""
    step = torch.cat((contour[..., 1:2, :] - contour[..., :1, :], contour[..., 2:, :] - contour[..., :-2, :],
                      contour[..., -1:, :] - contour[..., -2:-1, :]), -2)  # fmt: skip
    normal = torch.stack((-step[..., 1], step[..., 0]), -1)
    normal = normal / normal.norm(dim=-1, keepdim=True).clamp(min=1e-9)
    weights = (0.25, 0.5, 0.25)
    for _ in range(6):  # the border of a real wall has no kinks: neighbouring normals are averaged
        padded = torch.cat((normal[..., :1, :], normal, normal[..., -1:, :]), -2)
        normal = sum(w * padded[..., k : k + contour.shape[-2], :] for k, w in enumerate(weights))
    return normal / normal.norm(dim=-1, keepdim=True)


def wall_profile(heart: Heart, contour: Tensor, length: Tensor) -> Tensor:
    """End-diastolic wall thickness (N, T, P), mm, smooth from septum through apex to lateral wall."""
    fraction = contour[..., 0] / length[..., None]
    apical = torch.exp(-((fraction / 0.22) ** 2))
    lateral = torch.sigmoid(contour[..., 1] / 5)
    side = heart.wall[:, None, 1:2] * (1 - lateral) + heart.wall[:, None, 2:3] * lateral
    base = 1 - 0.18 * ((fraction - 0.85) / 0.15).clamp(0, 1)
    return (apical * heart.wall[:, None, :1] + (1 - apical) * side) * base


def epicardium(heart: Heart, state: Pose, contour: Tensor) -> Tensor:
    """Outer contour (N, T, P, 2) of the myocardium; its band keeps its end-diastolic area at every contraction.

    The outer points lie at scale * thickness along the normals; the band's area is a quadratic in the scale,
    solved exactly.
    """
    rest = pose(heart, torch.zeros_like(heart.length[:, :1]))
    rest_contour = endocardium(rest)
    rest_wall = wall_profile(heart, rest_contour, rest.length)
    rest_outer = rest_contour + rest_wall[..., None] * outward_normals(rest_contour)
    target = band_area(rest_contour, rest_outer)
    offset = wall_profile(heart, contour, state.length)[..., None] * outward_normals(contour)
    plus, minus = band_area(contour, contour + offset), band_area(contour, contour - offset)
    square, linear = (plus + minus) / 2, (plus - minus) / 2
    scale = 2 * target / (linear + (linear.square() + 4 * square * target).clamp(min=0).sqrt())
    return contour + scale[..., None, None] * offset


def band_area(inner: Tensor, outer: Tensor) -> Tensor:
    """Signed area (N, T) between two open contours (N, T, P, 2), positive when outer lies outside."""
    return shoelace(torch.cat((inner, outer.flip(-2)), -2))


def fit_systole(heart: Heart, ejection_fraction: Tensor) -> Heart:
    """Scales the end-systolic half-widths until the disc volumes give the wanted ejection fraction (N,), percent."""
    ends = torch.tensor([[0.0, 1.0]], dtype=heart.length.dtype, device=heart.length.device).expand(len(heart), 2)
    half_width = heart.half_width.clone()
    for _ in range(12):
        volume = volume_ml(pose(Heart(**{**vars(heart), "half_width": half_width}), ends))
        wanted = volume[:, 0] * (1 - ejection_fraction / 100)
        half_width[:, 1] *= (wanted / volume[:, 1]).sqrt()[:, None, None]
    return Heart(**{**vars(heart), "half_width": half_width})
