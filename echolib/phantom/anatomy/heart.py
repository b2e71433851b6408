"""Anatomy of the simulated heart: the left ventricle between end diastole and end systole.

A `Heart` holds N ventricles at both ends of the beat; `pose_at` blends them at any contraction. Points are given in one
of two frames, both in mm. The heart frame has a along the long axis (0 at the apex, growing towards the base) and b
across it (negative on the septal side). The probe frame has x (positive to the right of the image) and z (depth), with
the probe at the origin. Volumes are single-plane discs of the contour itself, so that ejection fraction, volumes and
tracings agree exactly.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

DISCS = 20


@dataclass(frozen=True)
class Heart:
    """N ventricles; an axis called ED/ES holds end diastole, then end systole. Lengths in mm, angles in degrees.

    length (N, ED/ES): long axis, apex to mitral plane.
    half_width (N, ED/ES, side, 20): of the cavity, sides septal and lateral, at each disc from apex to base.
    plane_slope (N, ED/ES): rise of the mitral plane towards the base in mm per mm across.
    wall (N, 3): end-diastolic thickness of apex, septum and lateral wall.
    apex (N, ED/ES, 2): x and z of the apex in the probe frame.
    tilt (N, ED/ES): of the long axis, positive when the apex points to the right.
    atrium (N, 3): length, half-width and sideways shift of the left atrium.
    right_heart (N,): size of the right heart, 1 normal, 0 absent (two-chamber view).
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
        """Some of the hearts, by anything that indexes a tensor."""
        return Heart(**{name: values[index] for name, values in vars(self).items()})

    def to(self, *args, **kwargs) -> "Heart":
        """The hearts on another device or in another precision, as `Tensor.to`."""
        return Heart(**{name: values.to(*args, **kwargs) for name, values in vars(self).items()})


@dataclass(frozen=True)
class Pose:
    """N hearts at T instants each: the moving fields of `Heart` with time (N, T, ...) in place of ED/ES, and the
    contraction (N, T) from 0 (end diastole) to 1 (end systole)."""

    length: Tensor
    half_width: Tensor
    plane_slope: Tensor
    apex: Tensor
    tilt: Tensor
    contraction: Tensor

    def to(self, *args, **kwargs) -> "Pose":
        """The pose on another device or in another precision, as `Tensor.to`."""
        return Pose(**{name: values.to(*args, **kwargs) for name, values in vars(self).items()})

    def frames(self, frames: slice) -> "Pose":
        """The pose at some of its instants."""
        return Pose(**{name: values[:, frames] for name, values in vars(self).items()})

    def axes(self) -> tuple[Tensor, Tensor]:
        """Unit vectors (N, T, 2) in the probe frame: along the long axis, apex to base, and across it, septal to
        lateral."""
        angle = torch.deg2rad(self.tilt)
        along = torch.stack((-angle.sin(), angle.cos()), -1)
        return along, torch.stack((along[..., 1], -along[..., 0]), -1)

    def to_probe(self, points: Tensor) -> Tensor:
        """Heart-frame points (N, T, P, 2) as (a, b) -> probe frame (N, T, P, 2) as (x, z), mm."""
        along, across = self.axes()
        return self.apex[:, :, None] + points[..., :1] * along[:, :, None] + points[..., 1:] * across[:, :, None]

    def to_heart(self, x_mm: Tensor, z_mm: Tensor) -> tuple[Tensor, Tensor]:
        """Probe-frame grids (N, 1, H, W) -> heart frame a and b, each (N, T, H, W), mm."""
        along, across = self.axes()
        dx, dz = x_mm - self.apex[..., 0, None, None], z_mm - self.apex[..., 1, None, None]
        a = dx * along[..., 0, None, None] + dz * along[..., 1, None, None]
        b = dx * across[..., 0, None, None] + dz * across[..., 1, None, None]
        return a, b


def pose_at(
    heart: Heart, contraction: Tensor, shift_mm: Tensor | None = None, rotation_deg: Tensor | None = None
) -> Pose:
    """Blends end diastole (contraction 0) and end systole (1), linearly in every field.

    contraction (N, T); shift_mm (N, T, 2) and rotation_deg (N, T) move the whole heart under the probe.
    """

    def blend(values: Tensor) -> Tensor:
        weight = contraction.reshape(*contraction.shape, *[1] * (values.ndim - 2))
        return values[:, None, 0] + weight * (values[:, None, 1] - values[:, None, 0])

    apex, tilt = blend(heart.apex), blend(heart.tilt)
    return Pose(
        length=blend(heart.length),
        half_width=blend(heart.half_width),
        plane_slope=blend(heart.plane_slope),
        apex=apex if shift_mm is None else apex + shift_mm,
        tilt=tilt if rotation_deg is None else tilt + rotation_deg,
        contraction=contraction,
    )


def end_diastolic_pose(heart: Heart) -> Pose:
    """The hearts at end diastole, as one instant (N, 1)."""
    return pose_at(heart, torch.zeros_like(heart.length[:, :1]))


def chords(pose: Pose) -> tuple[Tensor, Tensor, Tensor]:
    """The chords of the 20 discs, (N, T, 20) each, mm: position a along the axis, and the septal and the lateral end b,
    cut by the mitral plane."""
    middle = (torch.arange(DISCS, dtype=pose.length.dtype, device=pose.length.device) + 0.5) / DISCS
    a = middle * pose.length[..., None]
    slope = pose.plane_slope[..., None]
    mitral_plane = (a - pose.length[..., None]) / torch.where(slope.abs() < 1e-6, 1e-6, slope)
    septal, lateral = -pose.half_width[..., 0, :], pose.half_width[..., 1, :]
    septal = torch.where(slope > 0, torch.maximum(septal, mitral_plane), septal)
    lateral = torch.where(slope < 0, torch.minimum(lateral, mitral_plane), lateral)
    return a, septal, lateral


def volume_ml(pose: Pose) -> Tensor:
    """Single-plane disc volume (N, T), mL: pi/4 * sum of squared chords * long axis / 20."""
    _, septal, lateral = chords(pose)
    return torch.pi / 4 * (lateral - septal).square().sum(-1) * pose.length / DISCS / 1000


def fit_ejection_fraction(heart: Heart, ejection_fraction: Tensor) -> Heart:
    """Scales the end-systolic half-widths until the disc volumes have this ejection fraction (N,), percent."""
    both_ends = torch.tensor([[0.0, 1.0]], dtype=heart.length.dtype, device=heart.length.device).expand(len(heart), 2)
    half_width = heart.half_width.clone()
    for _ in range(12):
        volume = volume_ml(pose_at(Heart(**{**vars(heart), "half_width": half_width}), both_ends))
        target = volume[:, 0] * (1 - ejection_fraction / 100)
        half_width[:, 1] *= (target / volume[:, 1]).sqrt()[:, None, None]
    return Heart(**{**vars(heart), "half_width": half_width})
