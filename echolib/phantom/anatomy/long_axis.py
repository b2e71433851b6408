"""The heart in the parasternal long-axis view: septum, cavity, posterior wall, aortic root and their motion.

The long-axis frame has p along the ventricle (mm, positive towards the base, right in the image) and d across it (mm,
positive away from the probe), with its origin amid the cavity at the tips of the mitral leaflets, where the walls are
measured. The probe frame is that of `heart`.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

TUBE_MM = 16.0  # about the origin the walls run parallel over this distance, so that the measures are exact
FADE_MM = 18.0  # beyond the walls, motion dies away over this distance
BASAL_WALL_MM = 2.6  # thickness of the walls of the aorta and of the left atrium


@dataclass(frozen=True)
class LongAxisHeart:
    """N hearts; an axis called ED/ES holds end diastole, then end systole.

    septum, cavity, wall (N, ED/ES): the thickness of the septum, the diameter of the cavity and the thickness of the
        posterior wall, mm.
    centre (N, 2): x and z of the origin in the probe frame, mm.
    angle (N,): degrees, positive when the base lies deeper than the apex.
    apex_mm (N,): from the origin to the apical end.
    aorta_mm (N,): diameter of the aortic root.
    """

    septum: Tensor
    cavity: Tensor
    wall: Tensor
    centre: Tensor
    angle: Tensor
    apex_mm: Tensor
    aorta_mm: Tensor

    def to(self, *args) -> "LongAxisHeart":
        """The hearts on another device or in another precision, as `Tensor.to`."""
        return LongAxisHeart(**{name: values.to(*args) for name, values in vars(self).items()})

    def select(self, index) -> "LongAxisHeart":
        """Some of the hearts, by anything that indexes a tensor."""
        return LongAxisHeart(**{name: values[index] for name, values in vars(self).items()})


@dataclass(frozen=True)
class LongAxisPose:
    """The moving fields of N `LongAxisHeart` at T instants: septum, cavity, wall (N, T) and centre (N, T, 2), mm."""

    septum: Tensor
    cavity: Tensor
    wall: Tensor
    centre: Tensor

    def to(self, *args) -> "LongAxisPose":
        """The pose on another device or in another precision, as `Tensor.to`."""
        return LongAxisPose(**{name: values.to(*args) for name, values in vars(self).items()})

    def frames(self, frames: slice) -> "LongAxisPose":
        """The pose at some of its instants."""
        return LongAxisPose(**{name: values[:, frames] for name, values in vars(self).items()})


def long_axis_pose(heart: LongAxisHeart, contraction: Tensor, shift_mm: Tensor | None = None) -> LongAxisPose:
    """Blends end diastole (contraction 0) and end systole (1); contraction (N, T), shift_mm (N, T, 2)."""

    def blend(values: Tensor) -> Tensor:
        return values[:, :1] + contraction * (values[:, 1:] - values[:, :1])

    systolic = torch.stack((contraction * 3.0, contraction * 1.0), -1)
    centre = heart.centre[:, None] + systolic + (0 if shift_mm is None else shift_mm)
    return LongAxisPose(blend(heart.septum), blend(heart.cavity), blend(heart.wall), centre)


def end_diastolic_long_axis(heart: LongAxisHeart) -> LongAxisPose:
    """The hearts at end diastole, as one instant (N, 1)."""
    return long_axis_pose(heart, torch.zeros_like(heart.cavity[:, :1]))


def caliper_points(heart: LongAxisHeart, pose: LongAxisPose) -> Tensor:
    """The four measured points (N, T, 4, 2) in the probe frame (x, z), mm, bottom to top: epicardial and endocardial
    side of the posterior wall, left and right side of the septum."""
    half = pose.cavity / 2
    d = torch.stack((half + pose.wall, half, -half, -half - pose.septum), -1)
    angle = torch.deg2rad(heart.angle)[:, None, None]
    return torch.stack((pose.centre[..., :1] - d * angle.sin(), pose.centre[..., 1:] + d * angle.cos()), -1)


def long_axis_coordinates(
    heart: LongAxisHeart, pose: LongAxisPose, x_mm: Tensor, z_mm: Tensor
) -> tuple[Tensor, Tensor]:
    """Probe-frame points (N, 1, H, W) -> p and d (N, T, H, W), mm."""
    angle = torch.deg2rad(heart.angle)[:, None, None, None]
    dx, dz = x_mm - pose.centre[..., 0, None, None], z_mm - pose.centre[..., 1, None, None]
    return dx * angle.cos() + dz * angle.sin(), dz * angle.cos() - dx * angle.sin()


@dataclass(frozen=True)
class WallLayers:
    """The walls at positions p, (N, T, H, W) each, mm: where the blood ends above (septal side) and below the axis, as
    distances from it, and the thickness of the wall beyond."""

    blood_above: Tensor
    blood_below: Tensor
    wall_above: Tensor
    wall_below: Tensor


def wall_layers(heart: LongAxisHeart, pose: LongAxisPose, p: Tensor) -> WallLayers:
    """The walls at p (N, T, H, W), mm along the ventricle.

    Towards the base the septum runs on as the thin anterior wall of the aorta, the posterior wall as that of the left
    atrium, which bulges away from the probe.
    """
    half = pose.cavity[..., None, None] / 2 * taper(p, heart.apex_mm[:, None, None, None])
    basal = ((p - TUBE_MM - 2) / 12).clamp(0, 1)
    basal = basal * basal * (3 - 2 * basal)
    septum, wall = (
        thickness[..., None, None] * (1 - basal) + BASAL_WALL_MM * basal for thickness in (pose.septum, pose.wall)
    )
    return WallLayers(half, half + 7 * basal * ((p - 20) / 25).clamp(0, 1), septum, wall)


def taper(p: Tensor, apex_mm: Tensor) -> Tensor:
    """Half-height of the cavity at p over that at the origin: 1 where the walls run parallel, an ellipse towards the
    apex."""
    x = ((-p - TUBE_MM) / (apex_mm - TUBE_MM)).clamp(0, 0.98)
    return (1 - x * x).sqrt() - 0.12 * ((p - TUBE_MM) / 20).clamp(0, 1)


def long_axis_end_diastolic_position(
    heart: LongAxisHeart, pose: LongAxisPose, x_mm: Tensor, z_mm: Tensor
) -> tuple[Tensor, Tensor]:
    """Probe-frame points x_mm, z_mm (N, 1, H, W) -> x and z (N, T, H, W), mm, where that tissue lay at end diastole.

    Blood and wall are each stretched evenly along d; outside, the displacement is the wall's, fading with distance.
    """
    p, d = long_axis_coordinates(heart, pose, x_mm, z_mm)
    reference = end_diastolic_long_axis(heart)
    above = d < 0
    half, thickness = _on_side(above, wall_layers(heart, pose, p))
    reference_half, reference_thickness = _on_side(above, wall_layers(heart, reference, p))
    distance = d.abs()
    inner = torch.minimum(distance, half) / half.clamp(min=1) * reference_half
    beyond = (distance - half - thickness).clamp(min=0)
    reference_distance = inner + ((distance - half) / thickness).clamp(0, 1) * reference_thickness + beyond
    fade = 1 / (1 + (beyond / FADE_MM).square())
    moved = (d.sign() * reference_distance - d) * fade
    angle = torch.deg2rad(heart.angle)[:, None, None, None]
    shift = (reference.centre - pose.centre)[..., None, None]
    return (
        x_mm - moved * angle.sin() + shift[:, :, 0] * fade,
        z_mm + moved * angle.cos() + shift[:, :, 1] * fade,
    )


def _on_side(above: Tensor, layers: WallLayers) -> tuple[Tensor, Tensor]:
    """Half-height of the blood and thickness of the wall on the side of each point."""
    return (
        torch.where(above, layers.blood_above, layers.blood_below),
        torch.where(above, layers.wall_above, layers.wall_below),
    )
